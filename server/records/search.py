"""Past calls, looked for: by number, name, words, time, how they ended and what was bad of them.

The latest first, a page at a time. A page begins behind a key, the time and CallSid of the last call of the
one before, so that calls which come meanwhile neither move nor double any. Functions of a connection.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, exists, or_, select

from server.logs.redaction import FULL_NUMBER_DIGITS, KEPT_DIGITS
from server.records.facts import CallFacts, TurnFacts
from server.records.rows import call_of, number_key, turn_of
from server.records.tables import calls, turns
from server.records.trouble import BROKEN, SLOW_MS, Kind, troubles_of

PAGE = 50
RUNNING = "running"  # in the place of how a call ended: it has not, or its process was killed
MOST_TERMS, MOST_TERM_CHARS = 6, 100
BATCH = 2000  # calls whose words are looked through at a time
CHUNK = 200  # calls whose turns are
_NUMBER = re.compile(r"[\d\s().+…-]+")

Call = tuple[CallFacts, Sequence[TurnFacts]]
Where = ColumnElement[bool]

# Each name of a filter, and what is bad by it.
BAD: dict[str, frozenset[Kind]] = {
    "any": frozenset(Kind),
    "gap": frozenset({Kind.WAITED, Kind.OVERDUE}),
    "asked": frozenset({Kind.ASKED_TWICE}),
    "hung_up": frozenset({Kind.HUNG_UP}),
    "failed": frozenset({Kind.FAILED, Kind.BROKEN}),
    "missed": frozenset({Kind.MISSED}),
}


class Key(NamedTuple):
    """Of a call in the order of the pages."""

    at: datetime
    sid: str


@dataclass(frozen=True)
class Wanted:
    """``text``: a number in any spelling, or words, all of which have to be there: of the caller, the agent,
    the lead or the summary. From ``begin`` on, before ``end``. ``bad``: a name in BAD. ``below``: a page's
    key.
    """

    text: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    ended: str = ""
    bad: str = ""
    below: Key | None = None


@dataclass(frozen=True)
class Found:
    """``more``: the next page's key; None: there is none. ``given_up``: nobody had the patience to go on, so
    that there may be more on this very page."""

    calls: Sequence[Call]
    more: Key | None = None
    given_up: bool = False


def ever() -> bool:
    return True


def search(
    connection: Connection, wanted: Wanted, most: int = PAGE, patient: Callable[[], bool] = ever
) -> Found:
    """A page. ``patient`` is asked between short pieces of work, in each of which the search gets on."""
    where, looked_through = _plain(wanted), _through_words(wanted)
    found: list[Call] = []
    below = wanted.below
    while len(found) <= most:
        edge = _edge(connection, [*where, *_below(below)]) if looked_through else None
        asked = CHUNK if wanted.bad else most + 1 - len(found)
        some = _some(connection, [*where, *looked_through, *_below(below), *_down_to(edge)], asked)
        full = len(some) == asked
        found += [one for one in with_turns(connection, some) if _is_bad(one, wanted.bad)]
        if not full and edge is None:
            break
        below = _key(some[-1]) if full else edge
        if len(found) <= most and not patient():
            return Found(found, below, given_up=True)
    more = len(found) > most
    return Found(found[:most], _key(found[most - 1][0]) if more else None)


def going_on(connection: Connection, since: datetime) -> list[CallFacts]:
    """Those that began then or later and have not ended; a process that was killed has left such ones too."""
    return _some(connection, [calls.c.at >= since, calls.c.ended == ""], None)


def with_turns(connection: Connection, some: Sequence[CallFacts]) -> list[Call]:
    """Each call with its own, in their order."""
    of_call: dict[str, list[TurnFacts]] = {call.sid: [] for call in some}
    of_these = select(turns).where(turns.c.sid.in_(list(of_call))).order_by(turns.c.sid, turns.c.number)
    for row in connection.execute(of_these).mappings():
        of_call[row["sid"]].append(turn_of(row))
    return [(call, of_call[call.sid]) for call in some]


def _some(connection: Connection, where: Sequence[Where], most: int | None) -> list[CallFacts]:
    ordered = _in_order(select(calls).where(*where)).limit(most)
    return [call_of(row) for row in connection.execute(ordered).mappings()]


def _is_bad(call: Call, name: str) -> bool:
    return not name or any(one.kind in BAD[name] for one in troubles_of(*call))


# ---- the order ----


def _in_order(wanted: Select[Any]) -> Select[Any]:
    return wanted.order_by(calls.c.at.desc(), calls.c.sid.desc())


def _key(call: CallFacts) -> Key:
    return Key(call.at, call.sid)


def _below(key: Key | None) -> list[Where]:
    if key is None:
        return []
    # The first condition is what an index is used for.
    return [calls.c.at <= key.at, or_(calls.c.at < key.at, calls.c.sid < key.sid)]


def _down_to(key: Key | None) -> list[Where]:
    return [] if key is None else [calls.c.at >= key.at, or_(calls.c.at > key.at, calls.c.sid >= key.sid)]


def _edge(connection: Connection, where: Sequence[Where]) -> Key | None:
    """The last of the next BATCH calls; None: there are not so many."""
    at_edge = _in_order(select(calls.c.at, calls.c.sid).where(*where)).offset(BATCH - 1).limit(1)
    row = connection.execute(at_edge).one_or_none()
    return None if row is None else Key(row.at, row.sid)


# ---- the conditions ----


def _plain(wanted: Wanted) -> list[Where]:
    """What the database finds at once."""
    where: list[Where] = []
    if wanted.begin is not None:
        where.append(calls.c.at >= wanted.begin)
    if wanted.end is not None:
        where.append(calls.c.at < wanted.end)
    if wanted.ended:
        where.append(calls.c.ended == ("" if wanted.ended == RUNNING else wanted.ended))
    if wanted.bad:
        where += _may_be(wanted.bad)
    if _is_whole_number(wanted.text):
        where.append(_of_number(number_key(wanted.text)))
    return where


def _may_be(bad: str) -> list[Where]:
    """A call without this is not bad in that way; ``trouble`` says which of the others are."""
    failed = (calls.c.stt_errors + calls.c.llm_errors + calls.c.tts_errors > 0, calls.c.ended.in_(BROKEN))
    overdue = exists().where(
        turns.c.sid == calls.c.sid, cast(turns.c.decisions, Text).contains("overdue", autoescape=True)
    )
    narrowed: dict[str, Where] = {
        "gap": or_(calls.c.worst_gap_ms > SLOW_MS, overdue),
        "hung_up": calls.c.ended == "caller",
        "failed": or_(*failed),
        "missed": calls.c.missed.is_not(None),
    }
    return [narrowed[bad]] if bad in narrowed else []


def _is_whole_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text.strip())) and len(_digits(text)) >= FULL_NUMBER_DIGITS


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _of_number(key: str) -> Where:
    """The number called, or was left; or only its last digits are kept, and they are these."""
    return or_(calls.c.number.in_([key, key[-KEPT_DIGITS:]]), calls.c.left_number == key)


def _through_words(wanted: Wanted) -> list[Where]:
    """What is looked for call by call."""
    if _is_whole_number(wanted.text):
        return []
    terms = [term[:MOST_TERM_CHARS] for term in wanted.text.split()[:MOST_TERMS]]
    if not _NUMBER.fullmatch(wanted.text.strip()) or not _digits(wanted.text):
        return [_has(term) for term in terms]
    parts = {_digits(wanted.text), number_key(wanted.text)}
    of_number = (column.contains(part) for column in (calls.c.number, calls.c.left_number) for part in parts)
    return [or_(*of_number, and_(*map(_has, terms)))]


def _has(term: str) -> Where:
    as_json = json.dumps(term)[1:-1]  # as the column keeps it: in \u…
    said = or_(
        turns.c.caller.icontains(term, autoescape=True), turns.c.agent.icontains(term, autoescape=True)
    )
    return or_(
        calls.c.summary.icontains(term, autoescape=True),
        cast(calls.c.lead, Text).icontains(as_json, autoescape=True),
        exists().where(turns.c.sid == calls.c.sid, said),
    )
