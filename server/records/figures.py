"""Figures of many calls, for an overview and for Prometheus. Functions of a connection, as ``queries``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, select

from server.records.tables import calls, lead_deliveries, turns

COUNTED = ("barge_ins", "false_barge_ins", "stt_errors", "llm_errors", "tts_errors")
P50, P95 = 0.5, 0.95


@dataclass(frozen=True)
class Figures:
    """Of the calls that began in a time. ``ended``: how → how many; "" goes on, or its process was killed.

    ``failed``: calls in which a provider failed. ``answers``: gaps that were measured; ``gap_p50_ms`` and
    ``gap_p95_ms`` are of the turns that were over in that time, None without any. A call that was taken up
    (F8) counts as often as it had a stream.
    """

    calls: int = 0
    ended: Mapping[str, int] = field(default_factory=dict)
    failed: int = 0
    barge_ins: int = 0
    false_barge_ins: int = 0
    stt_errors: int = 0
    llm_errors: int = 0
    tts_errors: int = 0
    answers: int = 0
    gap_p50_ms: int | None = None
    gap_p95_ms: int | None = None


def figures_between(connection: Connection, begin: datetime, end: datetime) -> Figures:
    """Of calls from ``begin`` on and before ``end``."""
    ended: dict[str, int] = {}
    failed, sums = 0, dict.fromkeys(COUNTED, 0)
    errors = calls.c.stt_errors + calls.c.llm_errors + calls.c.tts_errors
    by_end = (
        select(
            calls.c.ended,
            func.count(),
            func.sum(case((errors > 0, 1), else_=0)),
            *(func.sum(calls.c[name]) for name in COUNTED),
        )
        .where(calls.c.at >= begin, calls.c.at < end)
        .group_by(calls.c.ended)
    )
    for how, count, with_errors, *counted in connection.execute(by_end):
        ended[how] = count
        failed += with_errors
        for name, value in zip(COUNTED, counted, strict=True):
            sums[name] += value
    answers, p50, p95 = _gaps(connection, begin, end)
    return Figures(
        calls=sum(ended.values()),
        ended=ended,
        failed=failed,
        answers=answers,
        gap_p50_ms=p50,
        gap_p95_ms=p95,
        **sums,
    )


def undelivered(connection: Connection) -> dict[tuple[str, str], int]:
    """(channel, state) → how many leads have not reached the office."""
    by = (lead_deliveries.c.channel, lead_deliveries.c.state)
    left = select(*by, func.count()).where(lead_deliveries.c.sent_at.is_(None)).group_by(*by)
    return {(channel, state): count for channel, state, count in connection.execute(left)}


def _gaps(connection: Connection, begin: datetime, end: datetime) -> tuple[int, int | None, int | None]:
    """How many there were, their median and 95th percentile."""
    gap: ColumnElement[int] = func.coalesce(turns.c.gap_wall_ms, turns.c.gap_total_ms)
    meant = (turns.c.kept_at >= begin, turns.c.kept_at < end, turns.c.gap_total_ms.is_not(None))
    count = connection.scalar(select(func.count()).select_from(turns).where(*meant)) or 0

    def of(share: float) -> int | None:
        place = min(count - 1, int(share * count))
        ordered = select(gap).where(*meant).order_by(gap)
        return connection.scalar(ordered.offset(place).limit(1)) if count else None

    return count, of(P50), of(P95)
