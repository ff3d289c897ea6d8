"""A story told: the whole call in simulated time, and where it went otherwise than the story says."""

from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter

from server.audio.frames import pcm16_to_mulaw
from server.call.call_record import CallSummary
from server.call.provider_runner import AFTER_CALL_S
from server.config import Config
from server.providers.base import ProviderError, ReplyRequest
from server.providers.tts_cache import beep
from server.turns.effects import NOTHING_TO_SAY, Act, SaveLead, Speaker
from tests.simtime.call import SimCall
from tests.simtime.engines import Reply, SimLlm, SimStt, SimTts
from tests.simtime.line import SAME, Sound
from tests.simtime.office import leaves_to
from tests.stories.story import AGENT_HANDS_OVER, AGENT_HANGS_UP, LINE_DROPS, OUTCOMES, Moment, Story

NUMBER = "+972501234567"  # the caller's, unless it is hidden
ENGINE_S = 0.05  # each, unless the story says otherwise
GONE_AFTER_S = 1.0  # F6
BEEPS, TONE = "beeps", pcm16_to_mulaw(beep())


@dataclass
class Told:
    """What happened. ``call`` is over."""

    story: Story
    call: SimCall
    _lanes: dict[str, list[Moment]] = field(default_factory=dict)
    over_in_time: bool = False  # F6; what is understood behind the call goes on for longer
    ended_s: float = 0.0  # when the caller, the line or the agent ended it
    asked: list[tuple[float, ReplyRequest]] = field(default_factory=list)
    left: list[tuple[float, Act]] = field(default_factory=list)  # leads and outcomes at the office

    def save_lead(
        self, call_sid: str, caller: str, details: tuple[tuple[str, str], ...], *, after_call=False
    ) -> None:
        self.left.append((self.call.runtime.now, SaveLead(details)))

    def save_call(self, summary: CallSummary) -> None: ...

    def close_call(self, call_sid: str, outcome: Act) -> None:
        self.left.append((self.call.runtime.now, outcome))

    def lane(self, name: str) -> list[Moment]:
        """What really happened in a lane of the story, in its words. Not before the call is over."""
        if name not in self._lanes:
            self._lanes[name] = self._lane(name)
        return self._lanes[name]

    def _lane(self, name: str) -> list[Moment]:
        match name:
            case "agent":
                return self._agent()
            case "asked":
                return [Moment("", request.text, at_s) for at_s, request in self.asked]
            case "state":
                return self._states()
            case "lower":
                return [Moment("", "", from_s, until_s) for from_s, until_s in self.call.lowered]
            case "clear":
                return [Moment("", "", at_s) for at_s in self.call.sent("clear")]
            case "lead":
                leads = ((at_s, act) for at_s, act in self.left if isinstance(act, SaveLead))
                return [Moment("", " ".join(map("=".join, act.details)), at_s) for at_s, act in leads]
        raise ValueError(name)

    def log(self, part: str) -> list[Moment]:
        """The log lines with ``part`` in them."""
        lines = zip(self.call.log_times, self.call.log, strict=True)
        return [Moment("", part, at_s) for at_s, line in lines if part in line]

    @property
    def outcome(self) -> Moment | None:
        ends = [(at_s, act) for at_s, act in self.left if not isinstance(act, SaveLead)]
        names = {act: name for name, act in OUTCOMES.items()}
        return Moment("", names[ends[0][1]], ends[0][0]) if ends else None

    def _agent(self) -> list[Moment]:
        said = [Moment("", said.part, said.at_s, said.until_s) for said in self.call.heard]
        audio = bytes(self.call.line.buffer.heard)
        end = 0
        while (at := audio.find(TONE[:400], end)) >= 0:
            end = at + len(TONE)
            said.append(Moment("", BEEPS, at / 8000, end / 8000))
        return sorted(said, key=lambda moment: moment.at_s or 0.0)

    def _states(self) -> list[Moment]:
        words = [
            (moment.at_s, line.split())
            for moment, line in zip(self.log("STATE "), self.call.lines("STATE "), strict=True)
        ]
        return [Moment("", line[3], at_s) for at_s, line in words]


def tell(story: Story, **knobs: Any) -> Told:
    """Run the story's call to its end. ``knobs``: over those of the story."""
    knobs = typed_knobs(story) | knobs
    line: dict[str, Any] = {
        "delay_s": story.takes_s.get("network", 0.0),
        "keys": story.keys,
        "lose_marks": "marks are lost" in story.flags,
        "caller": "anonymous" if "caller's number is hidden" in story.flags else NUMBER,
        "lost_from_s": story.lost_s[0],
        "lost_until_s": story.lost_s[1],
    }
    call = SimCall(
        [replace(sound) for sound in story.sounds],
        by_sound=True,
        partials_lag_s=story.partials_lag_s,
        asr_s=story.takes_s.get("asr", ENGINE_S),
        llm_s=story.takes_s.get("llm", ENGINE_S),
        tts_s=story.takes_s.get("tts", ENGINE_S),
        knobs=knobs,
        premade="nothing is made before" not in story.flags,
        **line,
    )
    told = Told(story, call)
    call.host = leaves_to(told)
    call.llm.takes_messages = "an LLM listens" in story.flags
    _script_the_llm(told)
    _spoil_the_voice(told)
    _stall(told)
    if "engines have spares" in story.flags:
        _add_spares(told)
    _run(told)
    return told


def typed_knobs(story: Story) -> dict[str, Any]:
    """The story's knobs as ``Config`` takes them."""
    types: dict[str, Any] = {name: Config.model_fields[name].annotation for name in story.knobs}
    return {name: TypeAdapter(types[name]).validate_python(value) for name, value in story.knobs.items()}


def _run(told: Told) -> None:
    story, call = told.story, told.call
    assert story.ending is not None
    if story.closes_s is not None:
        call.runtime.call_at(story.closes_s, lambda: call.handler.close_down())
    ours = story.ending.what in (AGENT_HANGS_UP, AGENT_HANDS_OVER)
    call.run(story.ends_s + (story.ending.within_s if ours else 0), hang_up=False)
    told.ended_s = (told.outcome and told.outcome.at_s) or story.ends_s
    if story.ending.what == LINE_DROPS:
        call.line.receiver.close()
    elif not ours:
        call.line.deliver({"event": "stop"})
    call.until(call.runtime.now + story.takes_s.get("network", 0.0) + GONE_AFTER_S)
    told.over_in_time = call.finished
    call.until(call.runtime.now + AFTER_CALL_S)


def _script_the_llm(told: Told) -> None:
    """Each request gets the reply of its line, or that of the last one with these words.

    One that the story does not know is never answered.
    """
    story, llm = told.story, told.call.llm
    script = list(story.asked)
    used: dict[str, Reply] = {}
    llm.opening = story.opening

    def reply(request: ReplyRequest) -> Reply:
        if request.gone:  # the story is over
            return Reply(NOTHING_TO_SAY)
        told.asked.append((told.call.runtime.now, request))
        line = next((line for line in script if line.moment.what == request.text), None)
        if line is not None:
            script.remove(line)
            used[request.text] = line.reply
        return used.get(request.text, Reply(None))

    llm.reply = reply
    llm.authored = "replies are shaped" not in story.flags


def _spoil_the_voice(told: Told) -> None:
    flags, voice = told.story.flags, told.call.voice
    voice.hangs = "voice hangs" in flags
    if "voice fails" in flags:
        voice.fails = lambda text: True
    if "voice clicks" in flags:
        audio = voice.audio
        voice.audio = lambda text: audio(text)[:190]  # type: ignore[method-assign]


def _stall(told: Told) -> None:
    """What is sent meanwhile reaches the wire all at once behind it."""
    call, (begin, end) = told.call, told.story.stalls_s
    send = call.line.send

    def sends(data: str) -> None:
        if begin <= call.runtime.now < end:
            call.runtime.call_at(end, lambda: send(data))
        else:
            send(data)

    call.line.send = sends  # type: ignore[method-assign]


def _add_spares(told: Told) -> None:
    """A second engine behind each, and these work."""
    call, story = told.call, told.story
    stt = SimStt(call.runtime, [], ENGINE_S, name="spare", by_sound=[_heard_well(s) for s in story.sounds])
    llm = SimLlm(call.runtime, call.llm.reply, ENGINE_S, name="spare")
    voice = SimTts(call.runtime, ENGINE_S, name="spare", identity="spare")
    voice.codes = call.voice.codes
    call.fallbacks = ([stt], [llm], [voice])


def _heard_well(sound: Sound) -> Sound:
    broken = sound.hears is None or isinstance(sound.hears, ProviderError)
    return replace(sound, hears=SAME) if broken else sound


# ---- the story and what happened, side by side --------------------------------------------------


def differences(told: Told) -> list[str]:
    """Where it went otherwise; empty when all went as told."""
    story = told.story
    found = [
        problem for name, lane in story.lanes.items() if name != "log" for problem in _lane(told, name, lane)
    ]
    found += _lane(told, "asked", [asked.moment for asked in story.asked])
    found += _knowledge(told)
    logs = story.lanes.get("log", [])
    for part in dict.fromkeys(moment.what for moment in logs):
        wanted = [moment for moment in logs if moment.what == part]
        found += _compare(f"log {part!r}", wanted, told.log(part), story.where)
    found += [f"{moment.where}: logged: {moment.what}" for moment in story.never if told.log(moment.what)]
    return found + _ending(told)


def _lane(told: Told, name: str, wanted: list[Moment]) -> list[str]:
    return _compare(name, wanted, told.lane(name), told.story.where)


def _compare(name: str, wanted: list[Moment], happened: list[Moment], where: str) -> list[str]:
    for one, other in zip(wanted, happened, strict=False):
        if one.what != other.what:
            return [f"{one.where}: {name}: {one.what!r} expected, at {other.at_s:.2f} s came {other.what!r}"]
    if len(wanted) > len(happened):
        missing = wanted[len(happened)]
        return [f"{missing.where}: {name}: never came: {missing.what!r}"]
    if len(wanted) < len(happened):
        extra = happened[len(wanted)]
        return [f"{where}: {name}: not in the story: {extra.what!r} at {extra.at_s:.2f} s"]
    return [late for one, other in zip(wanted, happened, strict=True) for late in _times(name, one, other)]


def _times(name: str, wanted: Moment, happened: Moment) -> list[str]:
    pairs = (("begins", wanted.at_s, happened.at_s), ("ends", wanted.until_s, happened.until_s))
    return [
        f"{wanted.where}: {name} {wanted.what!r} {what} at {real:.2f} s, not {told:.2f} ± {wanted.within_s:g}"
        for what, told, real in pairs
        if told is not None and real is not None and abs(told - real) > wanted.within_s + 1e-6
    ]


def _knowledge(told: Told) -> list[str]:
    """What the LLM is told of the agent's last words, request by request."""
    found = []
    for line, (_, request) in zip(told.story.asked, told.asked, strict=False):
        agent = [said for said in request.history if said.speaker is Speaker.AGENT]
        knows = agent[-1].text + "…" * agent[-1].interrupted if agent else ""
        lines = len(request.history)
        if line.remembers is not None and line.remembers != lines:
            found.append(f"{line.moment.where}: the LLM remembers {lines} lines, not {line.remembers}")
        if line.knows is not None and line.knows != knows:
            found.append(f"{line.moment.where}: the LLM knows {knows!r}, not {line.knows!r}")
    return found


def _ending(told: Told) -> list[str]:
    ending, outcome = told.story.ending, told.outcome
    assert ending is not None
    if ending.what not in (AGENT_HANGS_UP, AGENT_HANDS_OVER):
        return [f"{ending.where}: {outcome.what} at {outcome.at_s:.2f} s"] if outcome else []
    return _compare("ending", [ending], [outcome] if outcome else [], ending.where)


def as_told(told: Told) -> str:
    """What happened, written as a story: for whoever writes one, and for a test that failed."""
    sounds = zip(told.story.sounds, told.story.names, strict=True)
    rows: list[tuple[float, float | None, str, str]] = [
        (s.at_s, s.until_s, name, s.words) for s, name in sounds
    ]
    rows += [(at_s, None, "caller", f"presses {key}") for at_s, key in told.story.keys]
    for name in ("agent", "asked", "state", "lead"):
        rows += [(m.at_s or 0.0, m.until_s, name, m.what) for m in told.lane(name)]
    kept = ("BARGE_IN", "ECHO", "DEDUP", "_ERR", "TIMEOUT", "ENGINE_", "CALL_ENDS")
    log = zip(told.call.log_times, told.call.log, strict=True)
    rows += [
        (at_s, None, "log", line.split(" sid=")[0]) for at_s, line in log if any(k in line for k in kept)
    ]
    return "\n".join(
        f"{at_s:6.2f}{f'-{until_s:.2f}' if until_s else '':<8}{name:<8}{what}"
        for at_s, until_s, name, what in sorted(rows, key=lambda row: row[0])
    )
