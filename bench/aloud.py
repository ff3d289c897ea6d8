"""A voice model that rewords one sentence in ten: what of it is caught, and what is said twice for nothing.

    python -m bench.aloud [N] [SEED] [--show]

N sentences (200) with numbers, prices, dates and names are made by ``tests/fresh/reply_templates.py`` and
spoken through OpenAI's Realtime API against the local cloud. Of the tenth that its voice rewords, half change
a fact: a number, a name, a "not"; half change other words only. Some of the others are read as they are,
but transcribed honestly in another way: with the figures and signs that an LLM had written.
"""

import argparse
import random
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.spoken import spoken, written
from server.config import load_config
from server.hebrew.understand.digits import VALUES
from server.providers.base import SaidOtherwise
from server.providers.openai.realtime_tts import OpenAIRealtimeTts
from server.providers.streaming.speech import SocketSpeech
from tests.cloud.openai import OpenAICloud, tone

FACT, WORDS, HONEST, SAME = "a fact changed", "words changed", "transcribed otherwise", "as it was given"
REWORDED_PERCENT, HONEST_PERCENT = 10, 60
TIMEOUT_S = 5.0
# Names that the templates use, and what a voice might say for them.
NAMES = {"הילה": "נועה", "משה": "יוסי", "אורית": "דורית", "חיפה": "חדרה", "הרצל": "ביאליק", "דנה": "רונית"}
NOT = {"לא": "כן", "אין": "יש"}
PLAIN = {
    "כאן": "פה",
    "שלום": "אהלן",
    "היי": "שלום",
    "אפשר": "ניתן",
    "הקרוב": "הבא",
    "כמובן": "בוודאי",
    "בדקתי": "ראיתי",
    "תודה": "אני מודה לך",
    "נשמח": "נהיה שמחים",
    "רק": "אך ורק",
    "המחיר": "המחיר כולו",
    "עולה": "מחירו",
    "לאשר": "לאשר את זה",
    "תרצה": "האם תרצה",
}
# Without list numbers, addresses, brackets and marks of emphasis: those are not spoken as they are written.
_ALL_SPOKEN = re.compile(r"(?!\d+[.)] )[א-תa-zA-Z\d\s.,?!:;…₪%\"'׳״–־-]+")
POINT = "נקודה"  # behind it שש and שישים are one number


@dataclass(frozen=True)
class Reading:
    """One sentence: as the voice is given it, how it is read, what was done to it."""

    text: str
    said: str
    kind: str


@dataclass
class Heard:
    """What came of the readings. ``caught``: their facts were found to be said otherwise."""

    caught: list[Reading] = field(default_factory=list)
    reworded: list[Reading] = field(default_factory=list)  # counted, and heard to its end
    told: list[Reading] = field(default_factory=list)

    def of(self, kind: str, among: list[Reading] | None = None) -> list[Reading]:
        return [reading for reading in (self.told if among is None else among) if reading.kind == kind]

    @property
    def missed(self) -> list[Reading]:
        """Facts that were changed unnoticed."""
        return [reading for reading in self.of(FACT) if reading not in self.caught]

    @property
    def twice(self) -> list[Reading]:
        """Sentences without a changed fact, said again all the same."""
        return [reading for reading in self.caught if reading.kind != FACT]

    @property
    def uncounted(self) -> list[Reading]:
        return [reading for reading in self.of(WORDS) if reading not in self.reworded + self.caught]


def readings(count: int, seed: int) -> list[Reading]:
    """``count`` sentences, no two alike; the same seed gives the same."""
    texts: dict[str, str] = {}  # as spoken: as written
    for text in written(2 * count, seed):
        texts.setdefault(spoken(text), text)
    rng = random.Random(seed)
    given = list(texts.items())[:count]
    wanted = {FACT: count * REWORDED_PERCENT // 200, WORDS: count * REWORDED_PERCENT // 200}
    found = {}
    for text, _ in rng.sample(given, len(given)):
        for kind, change in ((WORDS, _other_words), (FACT, _other_fact)):
            if wanted[kind] and (said := change(text, rng)):
                wanted[kind] -= 1
                found[text] = Reading(text, said, kind)
                break
    for text, as_written in given:
        honest = rng.randrange(100) < HONEST_PERCENT and _ALL_SPOKEN.fullmatch(as_written)
        other = Reading(text, as_written, HONEST) if honest else Reading(text, text, SAME)
        found.setdefault(text, other)
    return [found[text] for text, _ in given]


def _other_fact(text: str, rng: random.Random) -> str:
    """``text`` with one of its numbers, names and negations said otherwise; empty: it has none."""

    def other(word: str) -> str:
        if word in VALUES:
            return rng.choice([each for each in ("שבע", "תשע", "שש") if VALUES[each] != VALUES[word]])
        return (NAMES | NOT).get(word, "")

    return _exchanged(text, other, rng)


def _other_words(text: str, rng: random.Random) -> str:
    """``text`` with one of its plain words said otherwise; empty: none is known."""
    return _exchanged(text, lambda word: PLAIN.get(word, ""), rng)


def _exchanged(text: str, other: Callable[[str], str], rng: random.Random) -> str:
    words = text.split(" ")
    bare = [word.strip(".,?!:") for word in words]
    places = [place for place, word in enumerate(bare) if other(word) and POINT not in bare[:place][-1:]]
    if not places:
        return ""
    place = rng.choice(places)
    words[place] = words[place].replace(bare[place], other(bare[place]))
    return " ".join(words)


def measure(given: list[Reading]) -> Heard:
    """Each sentence spoken by OpenAI's Realtime API; the office has named its people and places."""
    heard = Heard(told=given)
    by_text = {reading.text: reading.said for reading in given}
    with tempfile.TemporaryDirectory() as folder, OpenAICloud(says=lambda text: tone(4)) as cloud:
        names = Path(folder) / "names.txt"
        names.write_text("\n".join(NAMES), encoding="utf-8")
        cloud.realtime.spoken_as = lambda text: by_text[text]
        where = {"openai_base_url": cloud.base_url, "openai_api_key": "local"}
        tts = OpenAIRealtimeTts(load_config(_env_file=None, asr_phrases_file=str(names), **where))
        for reading in given:
            stream = tts.synthesize(reading.text, TIMEOUT_S)
            try:
                for _ in stream:
                    pass
            except SaidOtherwise:
                heard.caught.append(reading)
            if isinstance(stream, SocketSpeech) and stream.reworded:
                heard.reworded.append(reading)
    return heard


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=200)
    parser.add_argument("seed", nargs="?", type=int, default=7)
    parser.add_argument("--show", action="store_true", help="each sentence that was read otherwise")
    asked = parser.parse_args()
    heard = measure(readings(asked.count, asked.seed))
    facts, words, honest = (heard.of(kind) for kind in (FACT, WORDS, HONEST))
    unchanged = len(heard.told) - len(facts) - len(words)
    print(f"facts changed: {len(facts)}, caught: {len(facts) - len(heard.missed)}")
    print(f"words changed: {len(words)}, counted: {len(words) - len(heard.uncounted)}")
    counted = [reading for reading in heard.reworded if reading.kind in (HONEST, SAME)]
    print(f"unchanged: {unchanged}, {len(honest)} of them transcribed with figures")
    print(f"  said twice for nothing: {len(heard.twice)}; counted as reworded: {len(counted)}")
    shown = heard.missed + heard.twice + heard.uncounted + counted
    for reading in [*shown, *(facts + words if asked.show else [])]:
        print(f"{reading.kind}\n    {reading.text}\n    {reading.said}")
    return int(bool(heard.missed or heard.twice or heard.uncounted))


if __name__ == "__main__":
    sys.exit(main())
