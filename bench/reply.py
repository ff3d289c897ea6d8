"""How soon the first frame of a reply is out after the end of turn, and how long that feels.

``python -m bench.reply [--engines google openai soniox]``: STT need 200 ms for the final, the LLM 350 ms for
its first sentence and another second and a half for the rest, the voice 150 ms for the first audio of a
sentence. The felt gap is the caller's: from the end of speech to the first sound. OpenAI alone is seen as it
was, too: its STT heard a whole utterance at once, its voice was the speech endpoint's.
"""

import tempfile
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from bench.log import thinking_ms
from bench.service import (
    BATCH_KNOBS,
    ENGINES,
    LINES,
    NAMES,
    command_line,
    on_the_cloud,
    place_calls,
    say,
)
from bench.ticker import percentile
from tests.cloud.local import LocalCloud
from tests.cloud.openai import DELTA_CHARACTERS

ASR_S, SENTENCE_S, TTS_S = 0.2, 0.35, 0.15
BETWEEN_S = 0.02  # one delta after the other
SUM_MS = (ASR_S + SENTENCE_S + TTS_S) * 1000
ALLOWED_MS = 60


@dataclass(frozen=True)
class Gaps:
    """Milliseconds to the reply, sorted: from the end of turn; from the end of speech, as the caller felt."""

    thinking: list[float]
    felt: list[float]


def answer(request: dict[str, Any]) -> str:
    """First sentences of one length, none like the one before (E4)."""
    turn = sum(message["role"] == "user" for message in request["messages"])
    rest = "אני בודקת עכשיו את כל מה שיש לנו ברשימות, וזה לוקח רגע. מה עוד כדאי לדעת?"
    return f"זאת התשובה מספר {turn} שלי לדברים שנאמרו עכשיו. הבדיקה מספר {turn} התחילה. {rest}"


def pace(cloud: LocalCloud) -> None:
    """The first sentence is whole after SENTENCE_S: with the delta that brings the blank behind it."""
    cloud.take(ASR_S, SENTENCE_S, TTS_S)
    first = answer({"messages": [{"role": "user"}]}).index(". ") + 2
    deltas = ceil(first / DELTA_CHARACTERS)
    cloud.openai.chat.delays.between_s = BETWEEN_S
    cloud.openai.chat.delays.first_s = SENTENCE_S - (deltas - 1) * BETWEEN_S


def measure(worker_class: str, providers: dict[str, str]) -> Gaps:
    """One call of eight turns."""
    with tempfile.TemporaryDirectory() as folder, LocalCloud(LINES, answer) as cloud:
        pace(cloud)
        out = Path(folder)
        knobs = cloud.knobs | providers
        with on_the_cloud(knobs, out, WORKER_CLASS=worker_class, LLM_MIN_CHARS="0") as server:
            turns = place_calls(server, out, *say(*LINES * 2))["turns"]
            felt = [turn["response_gap_ms"] for turn in turns if turn["response_gap_ms"] is not None]
            return Gaps(sorted(thinking_ms(server.log)), sorted(felt))


def main() -> None:
    words = command_line(__doc__).parse_args()
    rows = [(NAMES[name], ENGINES[name]) for name in words.engines]
    if "openai" in words.engines:
        rows.append(("openai alone, as it was", BATCH_KNOBS))
    print(f"end of turn to the first frame of the reply; the sum of the engines is {SUM_MS:.0f} ms")
    for name, providers in rows:
        for worker_class in words.workers:
            gaps = measure(worker_class, providers)
            over = [ms - SUM_MS for ms in gaps.thinking]
            verdict = "within" if over[-1] <= ALLOWED_MS else "ABOVE"
            print(
                f"{name:<24}{worker_class:<9}{len(over)} turns: over the sum, p50 "
                f"{percentile(over, 0.5):.0f}, worst {over[-1]:.0f} ms ({verdict} {ALLOWED_MS}); "
                f"felt p50 {percentile(gaps.felt, 0.5):.0f}, worst {gaps.felt[-1]:.0f} ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
