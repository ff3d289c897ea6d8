"""Facts as a test needs them: what it says of them, and something for the rest."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from server.office.lead import Missed
from server.records.facts import CallFacts, Decision, Gap, TurnFacts

AT = datetime(2026, 11, 29, 10, 2, 3, 456000, tzinfo=UTC)
CALL = CallFacts(
    sid="CA1",
    caller="+972501234567",
    at=AT,
    duration_ms=61_240,
    ended="caller",
    turns=2,
    worst_gap_ms=1140,
    lead=(("name", "אברהם"), ("phone", "03-1234567")),
    summary="מחפש דירה ברמת גן",
    knobs=(("MIN_UTT_SEC", "0.5"),),
    event_log="2026-11-29/CA1.jsonl",
    host="here",
)
TURN = TurnFacts(
    number=1,
    began_ms=4000,
    ended_ms=9000,
    caller="אני רוצה לקנות דירה",
    agent="באיזו עיר?",
    said_by="llm",
    ended="heard",
    gap=Gap(total_ms=913, closing_silence_ms=620, llm_ms=200, tts_ms=93, wall_ms=920),
    errors=("stt google: deadline exceeded",),
    decisions=(Decision(4100, "D4", "held", "אני רוצה"),),
)


def call(sid: str, **facts: object) -> CallFacts:
    return replace(CALL, **{"sid": sid, **facts})  # type: ignore[arg-type]


def turn(number: int, **facts: object) -> TurnFacts:
    return replace(TURN, **{"number": number, **facts})  # type: ignore[arg-type]


# ---- whatever there may be, as strange as a text can be ----

texts = st.text(st.characters(codec=None), max_size=40)  # NUL, halves of characters
counts = st.integers(0, 2**40)
pairs = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.timezones())
gaps = st.builds(Gap, *[counts] * 6, st.none() | counts)
decisions = st.lists(st.builds(Decision, counts, texts, texts, texts), max_size=3).map(tuple)
calls = st.builds(
    CallFacts,
    sid=texts.filter(bool),
    caller=texts,
    at=moments,
    duration_ms=counts,
    ended=texts,
    missed=st.none() | st.sampled_from(Missed),
    worst_gap_ms=counts,
    barge_ins=counts,
    lead=pairs,
    summary=texts,
    knobs=pairs,
    event_log=texts,
    host=texts,
)
turns = st.builds(
    TurnFacts,
    number=st.integers(1, 2**31 - 1),
    began_ms=counts,
    ended_ms=counts,
    caller=texts,
    agent=texts,
    said_by=texts,
    ended=texts,
    gap=st.none() | gaps,
    barge_ins=counts,
    errors=st.lists(texts, max_size=3).map(tuple),
    decisions=decisions,
)
