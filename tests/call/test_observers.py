"""Who sees a call is told all of it, in order, and can do it no harm."""

import pytest

from server.turns.events import CallerGone, FinalTranscript, StreamStarted
from tests.simtime.call import SimCall
from tests.simtime.line import Sound


class Seen:
    """Keeps what it is told, each with its kind."""

    def __init__(self):
        self.told = []

    def saw(self, event):
        self.told.append(("saw", event))

    def did(self, action):
        self.told.append(("did", action))

    def over(self, summary):
        self.told.append(("over", summary))

    def closed(self):
        self.told.append(("closed", None))

    @property
    def decided(self):
        return [action for kind, action in self.told if kind == "did"]

    @property
    def events(self):
        return [event for kind, event in self.told if kind == "saw"]


class Raising(Seen):
    def saw(self, event):
        super().saw(event)
        raise RuntimeError("our own bug")


def call_seen_by(*observers, **how):
    call = SimCall([Sound(1.5, 1.2)], **how)
    call.host["observers"] = observers
    return call


def test_events_and_decisions_are_seen_in_their_order_and_the_end_last():
    seen = Seen()
    call = call_seen_by(seen).run(8)
    in_order = [(("saw", event), *(("did", action) for action in actions)) for event, actions in call.events]
    assert [told for told in seen.told if told[0] in ("saw", "did")] == [t for some in in_order for t in some]
    assert isinstance(seen.events[0], StreamStarted)
    assert [kind for kind, _ in seen.told[-2:]] == ["over", "closed"]
    assert seen.told[-2][1].turns == 1


def test_what_is_understood_behind_the_call_is_seen_too_and_nothing_behind_closed():
    """The caller hangs up on their last word; its transcript comes later, and is seen."""
    seen = Seen()
    call_seen_by(seen, asr_s=0.8).run(2.8)
    kinds = [type(event) for event in seen.events]
    assert FinalTranscript in kinds[kinds.index(CallerGone) :]
    assert [kind for kind, _ in seen.told].count("closed") == 1
    assert seen.told[-1][0] == "closed"


@pytest.mark.parametrize("order", [(Raising, Seen), (Seen, Raising)])
def test_one_that_fails_is_told_nothing_more_and_harms_nobody(order):
    observers = [one() for one in order]
    call = call_seen_by(*observers).run(8)
    failing, other = sorted(observers, key=lambda one: type(one).__name__)
    assert call.texts
    assert len(failing.told) == 1
    assert other.told[-1][0] == "closed"
    assert len(call.lines("OBSERVER_ERR")) == 1


def test_a_call_that_never_started_is_closed_all_the_same():
    seen = Seen()
    call_seen_by(seen, start=False).run(2)
    assert [kind for kind, _ in seen.told if kind in ("over", "closed")] == ["closed"]
