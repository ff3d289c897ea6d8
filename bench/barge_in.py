"""How soon the services see that a reply was interrupted: its streams are closed, no further token is read.

``python -m bench.barge_in [--engines google openai soniox]``: every line is said over the agent while the LLM
is still streaming and the voice is speaking its first, long sentence. Counted from the verdict
(``BARGE_IN: interrupt`` in the log).
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.log import lines_of
from bench.service import ENGINES, LINES, NAMES, command_line, on_the_cloud, place_calls
from tests.cloud.local import LocalCloud
from tests.cloud.watch import Exchange, Watch

ALLOWED_MS = 100
STREAMING_VOICE = "he-IL-Chirp3-HD-Leda"
LAST_LINE = LINES[-1]


def endless(request: dict[str, Any]) -> str:
    """Its first sentence takes the voice ten seconds, and the rest the LLM half a minute."""
    said = [message["content"] for message in request["messages"] if message["role"] == "user"]
    if said[-1] == LAST_LINE:
        return "תודה, ולהתראות."
    words = " ".join(["מילים"] * 25)
    return f"תשובה מספר {len(said)} {words}. " + f"ועוד {words}. " * 4


@dataclass(frozen=True)
class Closed:
    """Milliseconds from each verdict to the end of each stream that was open then, as its service saw it.

    ``stt``: how many streams were open then; the caller's own utterance, which goes on, is one.
    """

    llm: list[float]
    voice: list[float]
    stt: list[int]


def measure(worker_class: str, providers: dict[str, str], interruptions: int = 6) -> Closed:
    """One call in which every line but the first is said over the agent."""
    with tempfile.TemporaryDirectory() as folder, LocalCloud(LINES, endless) as cloud:
        out = Path(folder)
        knobs = cloud.knobs | providers | {"GOOGLE_TTS_VOICE": STREAMING_VOICE}
        with on_the_cloud(
            knobs, out, WORKER_CLASS=worker_class, LLM_MAX_CHARS="2000", LLM_FIRST_TOKEN_TIMEOUT_MS="5000"
        ) as server:
            for watch in cloud.watches:
                watch.exchanges.clear()  # of the warming
            cloud.take(0.05, 0.05, 0.05)
            cloud.openai.chat.delays.between_s = 0.05
            for voice in voices(cloud):
                voice.delays.between_s = 0.075  # of 100 or 200 ms chunks
            words = ["--say", LINES[0]]
            for number in range(interruptions):
                words += ["--interrupt-after", "2.5", "--say", LINES[1 + number % 2]]
            words += ["--interrupt-after", "2.5", "--say", LAST_LINE]
            place_calls(server, out, *words)
            verdicts = [line.at for line in lines_of(server.log) if "BARGE_IN: interrupt" in line.text]
        voice, stt = _used(*voices(cloud)), _used(*stts(cloud))
        return Closed(
            [ms for at in verdicts for ms in _closed(cloud.openai.chat, at)],
            [ms for at in verdicts for ms in _closed(voice, at)],
            [len(_open(stt, at)) for at in verdicts],
        )


def voices(cloud: LocalCloud) -> tuple[Watch, ...]:
    return cloud.voice.watch, cloud.openai.speech, cloud.openai.realtime.tts, cloud.soniox.tts


def stts(cloud: LocalCloud) -> tuple[Watch, ...]:
    openai = cloud.openai
    return cloud.speech.watch, openai.transcriptions, openai.realtime.stt, cloud.soniox.stt


def _used(*watches: Watch) -> Watch:
    return max(watches, key=lambda watch: len(watch.exchanges))


def _closed(watch: Watch, at: float) -> list[float]:
    """Milliseconds until the service saw the end of what was open at ``at``; infinite if it never did."""
    return [1000 * ((exchange.dropped_at or float("inf")) - at) for exchange in _open(watch, at)]


def _open(watch: Watch, at: float) -> list[Exchange]:
    return [each for each in watch.exchanges if each.began_at < at <= (each.ended_at or at)]


def main() -> None:
    words = command_line(__doc__).parse_args()
    print("a confirmed barge-in to the end of the streams, as the services see it")
    for engines in words.engines:
        for worker_class in words.workers:
            name, closed = NAMES[engines], measure(worker_class, ENGINES[engines])
            for service, took in (("llm", closed.llm), ("voice", closed.voice)):
                verdict = "within" if took and max(took) <= ALLOWED_MS else "ABOVE"
                worst = max(took, default=float("nan"))
                streams = f"{len(took)} streams, worst {worst:.0f} ms ({verdict} {ALLOWED_MS})"
                print(f"{name:<24}{worker_class:<9}{service:<6}{streams}")
            others = max(closed.stt) - 1
            print(
                f"{name:<24}{worker_class:<9}ears  {max(others, 0)} open beside the caller's own", flush=True
            )


if __name__ == "__main__":
    main()
