"""Conversations written as one would tell them, one line a moment. This page is the format.

    # A cough does not stop the agent for long
    > What a reader should notice.                        any number of lines
    acts D1 D4          the rules it shows at work
    spares D2           the rules that must not act here
    knob BARGE_IN_EARLY_STOP true

     0.80        agent   שלום! איך אפשר לעזור?
     3.00-4.50   caller  כמה חדרים יש
     5.17        asked   כמה חדרים יש
                 replies יש שם שלושה חדרים ומרפסת. מתי נוח לבוא?
     5.34-6.06   agent   יש שם…
     6.00-6.30   cough
     6.40        agent   …שלושה חדרים ומרפסת.
                 agent   מתי נוח לבוא?
                 no log BARGE_IN
    12.00        caller  hangs up

Times are seconds since the first frame. What the caller and the world do happens exactly then; what is
expected (agent, asked, state, log, …) must come within 60 ms, or as said: ``5.34±0.2``. A line without a
time is expected in its place, at any time.

The caller. ``caller`` with the words, each as long as the other; so also ``shout``, ``softly``, ``far``
(somebody across the room) and ``echo`` (our own voice come back). ``mumble`` is a voice without words;
``cough``, ``slam``, ``click``, ``noise``, ``hiss`` are none. ``caller presses 5``, ``caller hangs up``,
``line drops``. Below one, what the STT make of it: ``STT hear …``, ``STT hear nothing``, ``STT doubt
0.2``, ``STT fail quota``, ``STT never answer``, ``STT take 900`` (ms), ``STT guess 0.6 …`` (a partial
transcript, seconds after the sound began).

The agent: every stretch that is heard, in order, and nothing else is. "…" before or behind the words: the
rest of the sentence was not heard there. ``agent beeps``, ``agent hangs up``, ``agent hands over``.

The LLM: everything it is asked, in order. Below it: ``replies …``, ``fails …``, ``fails once …`` (it may be
asked again), ``never replies``; ``takes 900`` (ms to the first sentence), ``pauses 1400`` (ms before each
other one), ``expects 4 digits``, ``keeps name=דנה``, ``then hangs up``, ``then hands over``. And what it is
told of the history: ``knows …``, the agent's last line, with "…" where it was interrupted; ``remembers 2``
lines in all.

Also expected: ``state THINKING``, ``clear`` and ``lower`` (from when to when the agent is heard lower; where
a story has one, it has all of them), ``log …`` (a part
of a log line; there are as many such lines as the story has), ``no log …``, ``lead name=דנה``.

The world, above the timeline: ``knob NAME value``; ``asr takes 900``, and so ``llm``, ``tts``, ``network``
(ms each way); ``partials lag 200``: the STT guess as they go; ``marks are lost``; ``frames are lost
4.0-5.0`` (the caller's), ``sending stalls 6.0-6.4`` (the agent's); ``voice fails``, ``voice hangs``, ``voice
clicks`` (a click for a sentence); ``nothing is made before``; ``engines have spares``; ``greeting expects 4
digits``; ``replies are shaped``: its replies go through the shape of E5; ``an LLM listens``: it takes
messages; ``caller's number is hidden``. And in the timeline: ``12.0 server closes down``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from server.config import Config
from server.providers.base import ProviderError, Transcript
from server.turns.effects import Act, EndCall, Expected, SaveLead, Transfer
from tests.simtime.engines import Reply
from tests.simtime.line import FAR, HISS, LOUD, NOISE, NORMAL, VOICE, Sound

RULES = tuple(
    f"{letter}{n}"
    for letter, last in zip("ABCDEFG", (9, 6, 5, 5, 7, 8, 4), strict=True)
    for n in range(1, last + 1)
)
TOLERANCE_S = 0.06
SOFT = 0x42  # half as loud
VOICES = {"caller": NORMAL, "shout": LOUD, "softly": SOFT, "far": FAR, "echo": NORMAL, "mumble": NORMAL}
NOISES = {"cough": LOUD, "slam": LOUD, "click": LOUD, "noise": NORMAL, "hiss": HISS}
CALLER_HANGS_UP, LINE_DROPS, AGENT_HANGS_UP, AGENT_HANDS_OVER = (
    "caller hangs up",
    "line drops",
    "agent hangs up",
    "agent hands over",
)
OUTCOMES: dict[str, Act] = {AGENT_HANGS_UP: EndCall(), AGENT_HANDS_OVER: Transfer()}


class StoryError(ValueError):
    """A story that cannot be read; says file, line and what was expected there."""


@dataclass(frozen=True)
class Moment:
    """Something expected: ``what``, in its lane's words. ``at_s`` None: in its place, at any time."""

    where: str  # file:line
    what: str
    at_s: float | None = None
    until_s: float | None = None
    within_s: float = TOLERANCE_S


@dataclass
class Asked:
    """One request to the LLM: expected, and what it brings about."""

    moment: Moment
    reply: Reply = field(default_factory=lambda: Reply(None))
    knows: str | None = None
    remembers: int | None = None


@dataclass
class Story:
    title: str
    where: str
    prose: list[str] = field(default_factory=list)
    acts: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()
    # the world
    knobs: dict[str, str] = field(default_factory=dict)
    takes_s: dict[str, float] = field(default_factory=dict)  # asr, llm, tts, network
    partials_lag_s: float | None = None
    flags: set[str] = field(default_factory=set)  # "marks are lost", "voice fails", …
    lost_s: tuple[float, float] = (0.0, 0.0)  # when the caller's frames are lost
    stalls_s: tuple[float, float] = (0.0, 0.0)  # when nothing of ours reaches the wire
    closes_s: float | None = None  # when the server closes down
    opening: Expected = Expected()
    # the caller
    sounds: list[Sound] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of each sound: "caller", "cough", …
    keys: list[tuple[float, str]] = field(default_factory=list)
    # what is expected
    asked: list[Asked] = field(default_factory=list)
    lanes: dict[str, list[Moment]] = field(default_factory=lambda: {"agent": [], "lead": []})
    never: list[Moment] = field(default_factory=list)  # parts of log lines
    ending: Moment | None = None

    @property
    def ends_s(self) -> float:
        assert self.ending is not None and self.ending.at_s is not None
        return self.ending.at_s


def read_stories(path: Path) -> list[Story]:
    """The stories of one file or, in the order of their names, of all ``*.story`` files in a folder.

    Raises StoryError.
    """
    if path.is_dir():
        return [story for file in sorted(path.glob("*.story")) for story in read_stories(file)]
    return parse_stories(path.read_text("utf-8"), path.name)


def parse_stories(text: str, name: str) -> list[Story]:
    """The stories of a text; ``name`` is what complaints call it. Raises StoryError."""
    stories: list[_Reader] = []
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{name}:{number}"
        if line.startswith("# "):
            stories.append(_Reader(Story(line[2:].strip(), where)))
        elif line.strip() and not stories:
            raise StoryError(f"{where}: a story begins with '# ' and its title")
        elif line.strip():
            stories[-1].read(line, where)
    return [reader.finish() for reader in stories]


_LINE = re.compile(
    r"\s*(?:(?P<at>\d+(?:\.\d+)?)(?:-(?P<until>\d+(?:\.\d+)?))?(?:±(?P<within>\d+(?:\.\d+)?))?\s+)?"
    r"(?P<word>[a-z']+)(?:\s+(?P<rest>.*\S))?\s*"
)


class _Reader:
    """Reads one story, line by line."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self._where = story.where

    def read(self, line: str, where: str) -> None:
        self._where = where
        if line.lstrip().startswith(">"):
            self.story.prose.append(line.lstrip()[1:].strip())
            return
        found = _LINE.fullmatch(line)
        if found is None:
            raise self._error(f"not a line of a story: {line.strip()!r}")
        at_s, until_s, within_s = (float(t) if t else None for t in found.group("at", "until", "within"))
        rest = found["rest"] or ""
        moment = Moment(where, rest, at_s, until_s, TOLERANCE_S if within_s is None else within_s)
        if self.story.ending is not None and at_s is not None:
            raise self._error("the call is over by then")
        if not (self._timeline(found["word"], moment) or (at_s is None and self._other(found["word"], rest))):
            raise self._error(f"{found['word']!r} is not known here")

    def finish(self) -> Story:
        """Check what only the whole story tells."""
        story = self.story
        self._where = story.where
        if story.ending is None or story.ending.at_s is None:
            raise self._error("the story has no end: '20.0 caller hangs up', '20.0 agent hangs up', …")
        if not story.acts:
            raise self._error("it does not say which rules act in it: 'acts D1 D4'")
        voices = sorted((s for s in story.sounds if s.words), key=lambda sound: sound.at_s)
        for one, other in zip(voices, voices[1:], strict=False):
            if other.at_s < one.until_s:
                raise self._error(f"two voices at once at {other.at_s} s")
        return story

    def _error(self, what: str) -> StoryError:
        return StoryError(f"{self._where}: {what}")

    # ---- the timeline ----

    def _timeline(self, word: str, moment: Moment) -> bool:
        """Lines that may have a time; False when this is none."""
        what = moment.what
        if f"{word} {what}" in (CALLER_HANGS_UP, LINE_DROPS, AGENT_HANGS_UP, AGENT_HANDS_OVER):
            self.story.ending = replace(moment, what=f"{word} {what}")
        elif word == "caller" and what.startswith("presses "):
            self._keys(moment)
        elif word in VOICES or word in NOISES:
            self._sound(word, moment)
        elif f"{word} {what}" == "server closes down":
            if moment.at_s is None:
                raise self._error("when? '3.0 server closes down'")
            self.story.closes_s = moment.at_s
        elif f"{word} {what}" in FLAGS:
            return False
        elif word == "asked":
            self.story.asked.append(Asked(moment))
        elif word in ("agent", "state", "log", "lead", "clear", "lower"):
            self.story.lanes.setdefault(word, []).append(moment)
        else:
            return False
        return True

    def _sound(self, name: str, moment: Moment) -> None:
        if moment.at_s is None or moment.until_s is None or moment.until_s <= moment.at_s:
            raise self._error(f"from when to when? '3.0-4.5 {name}'")
        if bool(moment.what) != (name in VOICES and name != "mumble"):
            raise self._error(f"{name!r} {'has no' if moment.what else 'needs'} words")
        kind, level = (VOICE, VOICES[name]) if name in VOICES else (NOISE, NOISES[name])
        length_s = round(moment.until_s - moment.at_s, 6)
        self.story.sounds.append(Sound(moment.at_s, length_s, kind, level, moment.what))
        self.story.names.append(name)

    def _keys(self, moment: Moment) -> None:
        if moment.at_s is None:
            raise self._error("when? '3.0 caller presses 5'")
        for n, key in enumerate(moment.what.split()[1:]):
            if not re.fullmatch(r"[0-9*#]", key):
                raise self._error(f"no key: {key!r}")
            self.story.keys.append((round(moment.at_s + 0.3 * n, 6), key))

    # ---- what has no time: the world, and what belongs to the line above ----

    def _other(self, word: str, rest: str) -> bool:
        story = self.story
        flag = f"{word} {rest}"
        if word in ("acts", "spares"):
            self._rules(word, rest.split())
        elif word == "knob":
            self._knob(rest)
        elif word in ("asr", "llm", "tts", "network", "partials"):
            self._takes(word, rest)
        elif flag in FLAGS:
            story.flags.add(flag)
        elif flag.startswith("frames are lost "):
            story.lost_s = self._span(r"are lost ([\d.]+)-([\d.]+)", rest)
        elif word == "sending":
            story.stalls_s = self._span(r"stalls ([\d.]+)-([\d.]+)", rest)
        elif flag.startswith("greeting expects "):
            story.opening = Expected(digits=int(self._match(r"expects (\d+) digits?", rest)[0]))
        elif word == "no":
            story.never.append(Moment(self._where, self._match(r"log\s+(.+)", rest)[0]))
        elif word == "stt":
            self._stt(rest)
        elif word in OF_THE_LLM or word in ("knows", "remembers"):
            self._llm(word, rest)
        else:
            return False
        return True

    def _match(self, pattern: str, rest: str) -> tuple[str, ...]:
        found = re.fullmatch(pattern, rest)
        if found is None:
            raise self._error(f"{rest!r} does not read like {pattern!r}")
        return found.groups()

    def _span(self, pattern: str, rest: str) -> tuple[float, float]:
        begin, end = self._match(pattern, rest)
        return float(begin), float(end)

    def _rules(self, word: str, rules: list[str]) -> None:
        unknown = [rule for rule in rules if rule not in RULES]
        if unknown or not rules:
            raise self._error(f"no such rule: {' '.join(unknown) or '(none)'}")
        setattr(self.story, word, (*getattr(self.story, word), *rules))

    def _knob(self, rest: str) -> None:
        name, _, value = rest.partition(" ")
        if name.lower() not in Config.model_fields or name != name.upper():
            raise self._error(f"no such knob: {name}")
        self.story.knobs[name.lower()] = value

    def _takes(self, word: str, rest: str) -> None:
        (ms,) = self._match(r"(?:takes|lag) (\d+)", rest)
        if word == "partials":
            self.story.partials_lag_s = int(ms) / 1000
        else:
            self.story.takes_s[word] = int(ms) / 1000

    def _stt(self, rest: str) -> None:
        """What the STT make of the sound above."""
        if not self.story.sounds:
            raise self._error("the STT of what? It belongs below a 'caller' line")
        sound = self.story.sounds[-1]
        verb, _, more = rest.partition(" ")
        match verb:
            case "hear" if more:
                sound.hears = "" if more == "nothing" else more
            case "doubt":
                sound.hears = Transcript(sound.words, float(self._match(r"(0\.\d+)", more)[0]))
            case "fail":
                sound.hears = ProviderError(more)
            case "never":
                sound.hears = None
            case "take":
                sound.takes_s = int(self._match(r"(\d+)", more)[0]) / 1000
            case "guess":
                after_s, text = self._match(r"([\d.]+) (.+)", more)
                sound.guesses += ((float(after_s), text),)
            case _:
                raise self._error(f"the STT does not {verb!r}")

    def _llm(self, word: str, rest: str) -> None:
        """What the request above brings about."""
        if not self.story.asked:
            raise self._error(f"{word!r} belongs below an 'asked' line")
        asked = self.story.asked[-1]
        if word == "knows":
            asked.knows = "" if rest == "nothing" else rest
        elif word == "remembers":
            asked.remembers = int(self._match(r"(\d+)", rest)[0])
        else:
            asked.reply = OF_THE_LLM[word](asked.reply, rest, self._match)


def _acts(reply: Reply, rest: str, match: "Match") -> Reply:
    (what,) = match(r"(hangs up|hands over)", rest)
    return replace(reply, acts=(*reply.acts, OUTCOMES[f"agent {what}"]))


def details(text: str) -> SaveLead:
    """``name=דנה phone=0501234567`` as a lead."""
    pairs = (pair.partition("=") for pair in text.split())
    return SaveLead(tuple((name, value) for name, _, value in pairs))


def _failure(reply: Reply, rest: str, match: "Match") -> Reply:
    return replace(reply, text=ProviderError(rest, retryable=rest.startswith("once")))


Match = Callable[[str, str], tuple[str, ...]]
OF_THE_LLM: dict[str, Callable[[Reply, str, Match], Reply]] = {
    "replies": lambda reply, rest, match: replace(reply, text=rest),
    "fails": _failure,
    "never": lambda reply, rest, match: replace(reply, text=None),
    "takes": lambda reply, rest, match: replace(reply, delay_s=int(match(r"(\d+)", rest)[0]) / 1000),
    "pauses": lambda reply, rest, match: replace(reply, sentence_s=int(match(r"(\d+)", rest)[0]) / 1000),
    "expects": lambda reply, rest, match: replace(
        reply, expected=Expected(digits=int(match(r"(\d+) digits?", rest)[0]))
    ),
    "keeps": lambda reply, rest, match: replace(reply, acts=(*reply.acts, details(rest))),
    "then": _acts,
}
FLAGS = {
    "marks are lost",
    "voice fails",
    "voice hangs",
    "voice clicks",
    "nothing is made before",
    "engines have spares",
    "replies are shaped",
    "an LLM listens",
    "caller's number is hidden",
}
