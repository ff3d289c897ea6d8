"""Every fault of every provider in a real call: the caller hears an answer in time, and the next turn works.

``python -m bench.faults [--engines google openai soniox]``: one call a provider, a good turn after every
faulty one. STT and LLM have no second provider to fall back on; TTS has the embedded one. There is no
thinking hint.
"""

import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.log import thinking_ms
from bench.service import LINES, command_line, on_the_cloud, place_calls, thread_names
from tests.cloud.local import LocalCloud
from tests.cloud.soniox_protocol import STT_PATH
from tests.cloud.watch import Fault, Watch
from tests.serving import Server

TURN_TIMEOUT_MS = 3500
ALLOWED_MS = TURN_TIMEOUT_MS + 500
GONE_S = 1.0  # after the call's end nothing of it is left (F6)

FAILING = [
    Fault.SLOW,
    Fault.HUNG_BEFORE_HEADERS,
    Fault.HUNG_MID_STREAM,
    Fault.TOO_MANY,
    Fault.UNAVAILABLE,
    Fault.CUT_MID_STREAM,
    Fault.EMPTY,
]
BROKEN = [Fault.REFUSED, Fault.GARBAGE]
STT = [*FAILING, Fault.LOW_CONFIDENCE, Fault.WRONG_LANGUAGE, Fault.SEVERAL_FINALS]
VOICE = [*FAILING, Fault.WAV_HEADER]
LIVE_STT = [*FAILING, *BROKEN, Fault.EXPIRED, Fault.LOW_CONFIDENCE, Fault.WRONG_LANGUAGE]
REALTIME_VOICE = [*FAILING, *BROKEN, Fault.EXPIRED, Fault.REWORDED, Fault.OTHER_FORMAT]
SESSION = [
    *[fault for fault in FAILING if fault is not Fault.EMPTY],
    *BROKEN,
    Fault.EXPIRED,
    Fault.MODEL_GONE,
]
OF_SONIOX = [*BROKEN, Fault.EXPIRED, Fault.RESTART, Fault.CLOSED, Fault.MODEL_GONE, Fault.KEY]
SONIOX_DOOR = [Fault.HUNG_BEFORE_HEADERS, Fault.TOO_MANY, Fault.UNAVAILABLE, Fault.REFUSED, Fault.KEY]
KEPT = Counter({"sockets-idle": 1})  # closes the sockets that a voice keeps for the next call


@dataclass(frozen=True)
class Case:
    """One engine to fail: its knobs, its service in the cloud, the ways it may fail."""

    name: str
    knobs: dict[str, str]
    service: str
    faults: list[Fault]

    def watch(self, cloud: LocalCloud) -> Watch:
        return {
            "google ears": cloud.speech.watch,
            "google voice": cloud.voice.watch,
            "openai ears": cloud.openai.transcriptions,
            "openai live ears": cloud.openai.realtime.stt,
            "openai sessions": cloud.openai.realtime.sessions,
            "openai mind": cloud.openai.chat,
            "openai voice": cloud.openai.speech,
            "openai realtime voice": cloud.openai.realtime.tts,
            "soniox ears": cloud.soniox.stt,
            "soniox door": cloud.soniox.door,
            "soniox voice": cloud.soniox.tts,
        }[self.service]


ANSWER = "רשמתי את זה"
CHIRP = "he-IL-Chirp3-HD-Leda"
CASES = [
    Case("google ears v1", {}, "google ears", STT),
    Case("google ears v2", {"GOOGLE_SPEECH_API": "v2", "GOOGLE_CLOUD_PROJECT": "p"}, "google ears", STT),
    Case("openai ears", {"ASR_ENGINES": "openai", "OPENAI_STT_MODEL": "gpt-transcribe"}, "openai ears", STT),
    Case("openai mind", {}, "openai mind", FAILING),
    Case("google voice", {"TTS_ENGINES": "google,embedded"}, "google voice", VOICE),
    Case(
        "google streaming voice",
        {"TTS_ENGINES": "google,embedded", "GOOGLE_TTS_VOICE": CHIRP},
        "google voice",
        VOICE,
    ),
    Case(
        "openai voice",
        {"TTS_ENGINES": "openai,embedded", "OPENAI_TTS_MODEL": "gpt-4o-mini-tts"},
        "openai voice",
        VOICE,
    ),
    Case("openai live ears", {"ASR_ENGINES": "openai"}, "openai live ears", LIVE_STT),
    Case("openai live ears' session", {"ASR_ENGINES": "openai"}, "openai sessions", SESSION),
    Case(
        "openai realtime voice",
        {"TTS_ENGINES": "openai,embedded"},
        "openai realtime voice",
        REALTIME_VOICE,
    ),
    Case("soniox ears", {"ASR_ENGINES": "soniox"}, "soniox ears", [*STT, *OF_SONIOX]),
    Case("soniox ears' door", {"ASR_ENGINES": "soniox"}, "soniox door", SONIOX_DOOR),
    Case(
        "soniox voice",
        {"TTS_ENGINES": "soniox,embedded"},
        "soniox voice",
        [*VOICE, *OF_SONIOX, Fault.OTHER_FORMAT],
    ),
]


@dataclass(frozen=True)
class Outcome:
    fault: Fault
    answered_ms: float
    next_ms: float
    next_works: bool  # heard as it was said, and answered by the LLM in the voice


@dataclass(frozen=True)
class Left:
    """What the server has more of, one second after the call, than before it."""

    threads: dict[str, int]  # by name
    streams: int
    sessions: int  # of STT; a voice keeps its own for the next call
    sockets: int  # beside the connections that clients keep for the next turn


def answer(request: dict[str, object]) -> str:
    """Short, never the same twice (E4), not the caller's words: said again they would be our echo (E3)."""
    return f"{ANSWER} כפנייה מספר {time.time_ns() % 10**6}. מה עוד?"


def measure(case: Case, worker_class: str, faults: list[Fault]) -> tuple[list[Outcome], Left, str]:
    """One call: a good turn, then each fault followed by a good turn. The log comes with it."""
    with tempfile.TemporaryDirectory() as folder, LocalCloud(LINES, answer) as cloud:
        out = Path(folder)
        watch = case.watch(cloud)
        knobs = cloud.knobs | {"TTS_CACHE_MB": "1", "LLM_MIN_CHARS": "0", "BREAKER_FAILURES": "5"}
        with on_the_cloud(knobs | case.knobs, out, WORKER_CLASS=worker_class) as server:
            cloud.take(0.1, 0.1, 0.1)
            threads, sockets = thread_names(out), sockets_in_use(server, cloud)
            turns = 1 + 2 * len(faults)
            over = threading.Event()
            switch = threading.Thread(target=follow, args=(server, watch, faults, over))
            switch.start()
            words = [word for number in range(turns) for word in ("--say", LINES[number % 3])]
            try:
                report = place_calls(server, out, "--patience", "12", "--max-seconds", "280", *words)
            finally:
                over.set()
                switch.join()
            time.sleep(GONE_S)
            left = Left(
                dict(thread_names(out) - threads - KEPT),
                sum(len(each.open) for each in cloud.watches),
                stt_sessions(cloud),
                sockets_in_use(server, cloud) - sockets,
            )
            took = thinking_ms(server.log)
            log = server.log
    works = [
        turn["heard_as"] == LINES[number % 3] and turn["agent"].startswith(ANSWER)
        for number, turn in enumerate(report["turns"])
    ]
    outcomes = [
        Outcome(fault, took[1 + 2 * n], took[2 + 2 * n], works[2 + 2 * n]) for n, fault in enumerate(faults)
    ]
    return outcomes, left, log


def follow(server: Server, watch: Watch, faults: list[Fault], over: threading.Event) -> None:
    """Set the fault of each turn once the agent has been heard to the end in the one before."""
    plan = [Fault.NONE, Fault.NONE, *(fault for each in faults for fault in (each, Fault.NONE))]
    for number, fault in enumerate(plan):
        while server.log.count("tts_done") < number and not over.wait(0.02):
            pass
        watch.always = fault


def sockets_in_use(server: Server, cloud: LocalCloud) -> int:
    """The worker's, but for those that a service still has open to it."""
    (worker,) = psutil.Process(server.process.pid).children()
    kept = cloud.openai.open_connections + len(cloud.soniox.open_links)
    return len(worker.net_connections("tcp")) - kept


def stt_sessions(cloud: LocalCloud) -> int:
    """Sessions of OpenAI's and Soniox's STT: each lives as long as its utterance."""
    openai = [session for session in cloud.openai.realtime.open if session.intent == "transcription"]
    return len(openai) + sum(link.path == STT_PATH for link in cloud.soniox.open_links)


def main() -> int:
    bad = 0
    parser = command_line(__doc__)
    parser.add_argument("--case", help="this one alone")
    words = parser.parse_args()
    cases = [case for case in CASES if case.name.split()[0] in words.engines]
    if words.case:
        cases = [case for case in CASES if case.name == words.case]
    for worker_class in words.workers:
        for case in cases:
            outcomes, left, _ = measure(case, worker_class, case.faults)
            bad += bool(left.threads or left.streams or left.sessions or left.sockets > 0)
            print(f"{case.name}, {worker_class}: left {left}")
            for outcome in outcomes:
                ok = outcome.answered_ms <= ALLOWED_MS and outcome.next_works
                bad += not ok
                answered = f"answered after {outcome.answered_ms:5.0f} ms"
                then = f"the next turn after {outcome.next_ms:4.0f} ms"
                verdict = "" if ok else "   ← NOT IN TIME, OR NOT HEARD"
                print(f"  {outcome.fault.value:<22} {answered}, {then}{verdict}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
