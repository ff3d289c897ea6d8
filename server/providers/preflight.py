"""Tries what is configured once, as a call would: ``./start_all.sh check``.

Prints a table: every engine and what it said, files that calls write, the store that the processes share. The
exit status is 1 when the engines cannot hold a call; what else fails costs leads or limits, and no call.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from rapidfuzz import fuzz

from server.audio.frames import SAMPLE_RATE_HZ, pcm16_to_mulaw
from server.config import Config, KnobError, env_file_remarks, load_config_to_start, own_lines
from server.logs.events import hide_private
from server.logs.secrets import without_secrets
from server.providers import model_ends
from server.providers.base import Llm, ProviderError, ReplyRequest, Stt, Transcript, Tts
from server.providers.deadlines import BoundedStream, Stream, load_in_time
from server.providers.embedded.llm.expected_answers import expected_after
from server.providers.provider_set import Providers, build_providers, end_of
from server.providers.registry import asr_timeout_ms
from server.providers.reply.spoken import SpokenReply
from server.providers.tts_cache import SpokenSentence
from server.runtime.threads import Threads
from server.settings.plausible import NOT_TWILIOS, is_like_an_auth_token
from server.settings.startup_checks import tried_files, tried_store
from server.turns.effects import Expected

HEADING = f"{'':<7}{'what':<15}{'works':<7}first"
PHRASE = "אני מחפש דירה בתל אביב"
MENU_PHRASE = "אני רוצה לקנות דירה"  # of those that the embedded STT know when a call begins
MENU_ONLY = "(of its menu: for trying out)"
UNHEARD = "(no TTS works: it was given silence, so whether it hears is not known)"
WHOLE_ONLY = "(whole utterances: no words before their end, so no early start and no held sentence)"
ALIKE = 60  # of 100: a wrong word is no wrong language
TRIAL_S = 10.0
LOAD_S = 30.0
CHUNK_BYTES = SAMPLE_RATE_HZ // 10
RUNTIME = Threads()
Clock = Callable[[], float]
Speak = Callable[[str], bytes]  # a phrase as PCM16 8 kHz. May block, raises ProviderError


@dataclass(frozen=True)
class Trial:
    """One try. ``problem`` is empty when a call can use it; ``first_ms`` None: nothing came, or was to."""

    kind: str
    name: str
    problem: str
    first_ms: int | None = None
    result: str = ""

    @property
    def works(self) -> bool:
        return not self.problem


def try_providers(config: Config, providers: Providers) -> Iterator[Trial]:
    """Voices, then STT (which hear what a voice said), then LLMs; each as soon as it is known. Blocks."""
    speak: Speak = _silence
    for voice in providers.tts:
        trial, pcm16 = _try_voice(config, voice)
        if pcm16 is not None and speak is _silence:
            speak = _again(voice, pcm16)
        yield trial
    for stt in providers.stt:
        menu = stt.name == "embedded"
        expected = expected_after("intent", None) if menu else providers.llm.first.opening
        trial = _try_stt(config, stt, expected, MENU_PHRASE if menu else PHRASE, speak)
        cannot = MENU_ONLY if menu else "" if stt.guesses else WHOLE_ONLY
        unheard = UNHEARD if speak is _silence else ""
        yield _with_result(trial, " ".join(filter(None, (trial.result, unheard, cannot))))
    for llm in providers.llm:
        yield _try_llm(config, llm)


def _try_voice(config: Config, voice: Tts) -> tuple[Trial, bytes | None]:
    def speak(clock: Clock) -> tuple[float | None, bytes]:
        return _read("tts", SpokenSentence(voice, PHRASE), clock)

    trial, pcm16 = _tried("tts", voice, speak, config.tts_timeout_ms, "TTS_TIMEOUT_MS")
    if pcm16 is None:
        return trial, None
    return _with_result(trial, f"{len(pcm16) / 2 / SAMPLE_RATE_HZ:.1f} s of audio"), pcm16


def _silence(phrase: str) -> bytes:
    return bytes(2 * SAMPLE_RATE_HZ)


def _again(voice: Tts, pcm16: bytes) -> Speak:
    """What a voice said for PHRASE; any other one it says now."""
    return lambda phrase: pcm16 if phrase == PHRASE else b"".join(SpokenSentence(voice, phrase))


def _try_stt(config: Config, stt: Stt, expected: Expected, phrase: str, speak: Speak) -> Trial:
    """Without a voice the STT gets silence, and need not hear anything in it."""
    heard: list[Transcript] = []

    def hear(clock: Clock) -> tuple[float | None, str]:
        mulaw_8k = pcm16_to_mulaw(speak(phrase))
        recognition = stt.start(expected, 1, TRIAL_S)
        reader = BoundedStream(RUNTIME, "check", recognition, first_s=TRIAL_S, next_s=TRIAL_S)
        pause = RUNTIME.event()
        for start in range(0, len(mulaw_8k), CHUNK_BYTES):
            recognition.feed(mulaw_8k[start : start + CHUNK_BYTES])
            pause.wait(0.1)  # as fast as a caller speaks
        recognition.finish()
        began = clock()
        finals = [transcript for transcript in reader if transcript.is_final]
        heard.extend(finals)
        return clock() - began, " ".join(final.text for final in finals)

    after_ms = round(asr_timeout_ms(config, stt.name)) - _closing_silence_ms(config)
    trial, _ = _tried("stt", stt, hear, after_ms, "ASR_TIMEOUT_MS")
    words = " ".join(final.text for final in heard).strip()
    asked = trial.works and speak is not _silence
    problem = _misheard(phrase, words, heard, config.asr_min_confidence) if asked else ""
    return Trial("stt", stt.name, problem, trial.first_ms) if problem else _with_result(trial, words)


def _misheard(phrase: str, words: str, heard: list[Transcript], min_confidence: float) -> str:
    """What is wrong with what was heard of the phrase; a word may be."""
    if not words:
        return f"heard nothing when the first TTS that works said {phrase!r}; is this its language?"
    if fuzz.ratio(words, phrase) < ALIKE:
        return f"heard {words!r} when the first TTS that works said {phrase!r}; is this its language?"
    sure = [final.confidence for final in heard if final.confidence is not None]
    if sure and min(sure) < min_confidence:
        return f"is only {min(sure):.2f} sure of {words!r}: below ASR_MIN_CONFIDENCE a caller is asked again"
    return ""


def _try_llm(config: Config, llm: Llm) -> Trial:
    request = ReplyRequest(
        PHRASE,
        (),
        1,
        config.llm_target_style,
        config.llm_min_chars,
        config.llm_max_chars,
        lines=own_lines(config),
    )

    def think(clock: Clock) -> tuple[float | None, str]:
        return _read("llm", SpokenReply(llm, request, TRIAL_S), clock, between=" ")

    trial, reply = _tried("llm", llm, think, config.llm_first_token_timeout_ms, "LLM_FIRST_TOKEN_TIMEOUT_MS")
    said = " ".join((reply or "").split())
    if trial.works and not said:
        return Trial("llm", llm.name, "gave an empty reply", trial.first_ms)
    return _with_result(trial, said)


def _read(name: str, stream: Stream[Any], clock: Clock, *, between: Any = None) -> tuple[float | None, Any]:
    """Seconds to the first item, and all items joined, ``between`` in between; None when there was none."""
    began = clock()
    first_s: float | None = None
    whole: Any = None
    bounded = BoundedStream(RUNTIME, name, stream, first_s=TRIAL_S, next_s=TRIAL_S)
    for item in bounded:
        if first_s is None and item:  # an LLM at work gives nothing at first
            first_s = clock() - began
        whole = item if whole is None else whole + item if between is None else whole + between + item
        if clock() - began > TRIAL_S:
            bounded.cancel()
            raise ProviderError(f"not done after {TRIAL_S:.0f} s")
    return first_s, whole


def _tried(
    kind: str,
    provider: Tts | Stt | Llm,
    attempt: Callable[[Clock], tuple[float | None, Any]],
    limit_ms: int,
    knob: str,
) -> tuple[Trial, Any]:
    """Load the engine, then time it: a server is warm before its first call, so loading does not count."""
    try:
        load_in_time(RUNTIME, "check", provider.warm, LOAD_S)
        first_s, result = attempt(RUNTIME.clock)
    except Exception as error:  # whatever an engine raises is what this is here to show
        return Trial(kind, provider.name, str(error) or type(error).__name__), None
    first_ms = None if first_s is None else round(first_s * 1000)
    slow = first_ms is not None and first_ms > limit_ms
    problem = f"too slow: a call waits {limit_ms} ms for it; raise {knob}" if slow else ""
    return Trial(kind, provider.name, problem, first_ms), result


def _with_result(trial: Trial, result: str) -> Trial:
    return Trial(trial.kind, trial.name, trial.problem, trial.first_ms, result)


def _closing_silence_ms(config: Config) -> int:
    """What of ASR_TIMEOUT_MS has passed when the end of an utterance is known (A3, G1)."""
    return int(config.min_utt_sec * 1000) + config.vad_hangover_ms


def ends(providers: Providers, today: date) -> Iterator[str]:
    """A line for each model that has an end: what ends when, and what to set. Once they were tried."""
    each = (*providers.stt, *providers.llm, *providers.tts)
    return (end.told(today) for provider in each if (end := end_of(provider)) is not None)


def try_surroundings(config: Config) -> Iterator[Trial]:
    """Files that calls write, and what the processes share. Blocks for half a second."""
    for kind, tried in (("file", tried_files(config)), ("store", tried_store(config))):
        for each in tried:
            yield Trial(
                kind, each.knob, each.problem and f"{each.value} {each.problem}".lstrip(), None, each.value
            )


def row(trial: Trial) -> str:
    """One line of the table below HEADING."""
    first = "–" if trial.first_ms is None else f"{trial.first_ms} ms"
    works = "yes" if trial.works else "NO"
    return f"{trial.kind:<7}{trial.name:<14} {works:<7}{first:<9}{trial.problem or trial.result}".rstrip()


def main() -> int:
    """0: these engines can hold a call; 1: they cannot, or a knob or a file that calls read is bad."""
    try:
        config = load_config_to_start()
        hide_private(config)
        providers = build_providers(config, RUNTIME)
    except (KnobError, ProviderError) as error:
        print(without_secrets(str(error)), file=sys.stderr)
        return 1
    for remark in env_file_remarks():
        print(remark)
    token = config.twilio_auth_token.get_secret_value()
    if token and not is_like_an_auth_token(token):
        print(NOT_TWILIOS)
    print(HEADING)
    trials = []
    for trial in try_providers(config, providers):
        print(without_secrets(row(trial)), flush=True)  # an engine's complaint may quote its key
        trials.append(trial)
    for trial in try_surroundings(config):
        print(without_secrets(row(trial)), flush=True)
    for end in ends(providers, model_ends.today()):
        print(end)
    lost = [kind for kind in ("tts", "stt", "llm") if not any(t.works for t in trials if t.kind == kind)]
    for kind in lost:
        print(f"no {kind} works: a call cannot be held")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
