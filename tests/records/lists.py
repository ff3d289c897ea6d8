"""Facts in lists, in the place of a database, and a story of events handed in at hand."""

from datetime import UTC, datetime

from server.logs.redaction import PrivateText
from server.records.facts import CallFacts, TurnFacts
from server.records.story import Story
from server.records.witness import Witness
from server.turns.actions import Decided

AT = datetime(2026, 11, 29, 15, 52, tzinfo=UTC)
UNKNOWN = CallFacts("", "", AT)  # before it starts


class Lists:
    """What was kept, in order; the last of a call counts."""

    def __init__(self):
        self.told = []  # (kind, …) in order
        self.calls = {}
        self.turns = {}

    def keep_call(self, call):
        self.told.append(call)
        self.calls[call.sid] = call

    def keep_turn(self, sid, turn):
        self.told.append(turn)
        self.turns.setdefault(sid, []).append(turn)

    def calls_between(self, begin, end):
        return [call for call in self.calls.values() if begin <= call.at < end]

    def call(self, sid_or_prefix):
        found = [sid for sid in self.calls if sid.startswith(sid_or_prefix)]
        if len({sid.partition("@")[0] for sid in found}) != 1:
            return []
        return [(self.calls[sid], self.turns.get(sid, [])) for sid in found]

    def named(self, sid_or_prefix):
        return [call for sid, call in self.calls.items() if sid.startswith(sid_or_prefix)]


def witnessed(call, mode="full"):
    """A ``SimCall`` that is about to run, and the lists that keep it."""
    lists = Lists()
    seen = Sums(UNKNOWN, lists, PrivateText(mode), call.runtime.clock)
    call.host["observers"] = (*call.host.get("observers", ()), seen)
    return lists, seen


class Sums(Witness):
    """One that remembers the sum of its call, and what was decided."""

    summary = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.actions = []

    def did(self, action):
        self.actions.append(action)
        super().did(action)

    def over(self, summary):
        self.summary = summary
        super().over(summary)


def parts(gap):
    """Closing silence, STT, LLM, TTS, breath; in milliseconds."""
    return (gap.closing_silence_ms, gap.stt_ms, gap.llm_ms, gap.tts_ms, gap.breath_ms)


class HandFed:
    """A machine and the story of it, frame by frame."""

    def __init__(self, machine, mode="full"):
        self.machine = machine
        self.story = Story(UNKNOWN, PrivateText(mode))
        self.facts = []
        self.decided = []

    def tell(self, event):
        self.facts += self.story.saw(event)
        for action in self.machine.handle(event):
            self.decided += [action] * isinstance(action, Decided)
            self.facts += self.story.did(action)

    def end(self):
        self.facts += self.story.closed()
        return self

    @property
    def turns(self):
        return [one for one in self.facts if isinstance(one, TurnFacts)]

    @property
    def call(self):
        return [one for one in self.facts if isinstance(one, CallFacts)][-1]
