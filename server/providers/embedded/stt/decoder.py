"""pocketsphinx with one grammar at a time. Native code: call it through ``native_calls.run_native``.

pocketsphinx holds Python's GIL while it decodes: an utterance in one piece stops every other thread for 30 to
90 ms (measured). Audio is therefore fed by tenths of a second, at most 10 ms of work each, so that other
threads run in between and the pacing of other calls is not disturbed.
"""

import math
import random
from audioop import add, mul, ratecv
from audioop import max as peak_of
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from server.audio.frames import SAMPLE_RATE_HZ
from server.providers.embedded.stt.grammar import Grammar

MODEL_RATE_HZ = 16_000
_CHUNK_BYTES = MODEL_RATE_HZ // 10 * 2
_PEAK = 16_000  # every utterance is scaled to this peak
_HISS_PEAK = 200  # noise added at that level: the model was not trained on digital silence
_HISS_BYTES = SAMPLE_RATE_HZ * 2
_LEAST_PEAK = 250  # a quieter utterance is silence; scaled up, the hiss of a line would be heard as לא
_SLOWEST_FRAMES = 25  # of 10 ms per phone; people take 8 to 20, a hum any number
_WORST_FIT = -10.0  # per frame; speech has -2 to -6
_PAD = bytes(SAMPLE_RATE_HZ * 3 // 10 * 2)  # silence put before and after, 300 ms

_PHRASES, _NOTHING = "phrases", "nothing"  # names of the decoder's two searches


@dataclass(frozen=True)
class Heard:
    """The likeliest phrase, or an empty text.

    ``fit``: log-likelihood of the audio per frame, relative to the best sound at each moment; 0 is perfect.
    ``certainty``: the probability of the least certain word, among the phrases of the grammar.
    """

    text: str
    fit: float = 0.0
    certainty: float = 0.0


class SphinxDecoder:
    """One decoder, for one thread at a time. Creating it takes 20 ms and about 5 MB."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(lm=None, dict=None, samprate=MODEL_RATE_HZ, loglevel="FATAL")
        silence = self._decoder.create_fsg(_NOTHING, 0, 1, [(0, 1, 1.0, "<sil>")])
        self._decoder.add_fsg(_NOTHING, silence)
        self._known: set[str] = set()
        self._grammar: Grammar | None = None
        self._mean = ""  # cepstral mean of the current utterance

    def recognise(self, pcm16_8k: bytes, grammar: Grammar, cancelled: Callable[[], bool]) -> Heard:
        """The phrase of ``grammar`` in the audio. Blocks. Empty, and early, once ``cancelled`` is true."""
        if not grammar.texts or peak_of(pcm16_8k, 2) < _LEAST_PEAK or cancelled():
            return Heard("")
        self._use(grammar)
        audio = _prepared(pcm16_8k)
        self._measure(audio)
        self._search(audio, cancelled)
        best = self._decoder.hyp()
        if best is None or best.hypstr not in grammar.texts:  # no phrase, or an incomplete one
            return Heard("")
        segments = list(self._decoder.seg())
        words = [segment for segment in segments if segment.word[0] not in "<[("]  # without silence and noise
        frames = sum(_frames(word) for word in words)
        phones = sum(len(self._decoder.lookup_word(word.word).split()) for word in words)
        if frames > _SLOWEST_FRAMES * phones:
            return Heard("")
        likelihood = sum(_log_likelihood(segment) for segment in segments)
        fit = likelihood / sum(_frames(segment) for segment in segments)
        return Heard(grammar.texts[best.hypstr], fit, min(word.prob for word in words))

    def _use(self, grammar: Grammar) -> None:
        if grammar is self._grammar:
            return
        for word, pronunciations in grammar.pronunciations.items():
            if word in self._known:
                continue
            for number, phones in enumerate(pronunciations, start=1):
                name = word if number == 1 else f"{word}({number})"
                self._decoder.add_word(name, phones, False)
            self._known.add(word)
        arcs = [(*ends, 1.0, word) if word else (*ends, 1.0) for *ends, word in grammar.arcs]
        self._decoder.add_fsg(_PHRASES, self._decoder.create_fsg(_PHRASES, 0, grammar.final, arcs))
        self._grammar = grammar

    def _measure(self, audio: bytes) -> None:
        """Computes the cepstral mean of the whole utterance, which normalises line and voice.

        Fed in pieces, the decoder would use the mean of the previous utterance, perhaps of another call.
        """
        self._decoder.activate_search(_NOTHING)
        self._decoder.reinit_feat()  # drops the noise estimate of the previous utterance; 0.1 ms
        self._decoder.start_utt()
        self._decoder.process_raw(audio, full_utt=True)
        self._decoder.end_utt()
        self._mean = self._decoder.get_cmn()

    def _search(self, audio: bytes, cancelled: Callable[[], bool]) -> None:
        decoder = self._decoder
        decoder.activate_search(_PHRASES)
        decoder.reinit_feat()
        decoder.set_cmn(self._mean)
        decoder.start_utt()
        for start in range(0, len(audio), _CHUNK_BYTES):
            if cancelled():
                break
            decoder.process_raw(audio[start : start + _CHUNK_BYTES])
        decoder.end_utt()


def _frames(segment: Any) -> int:
    return int(segment.end_frame) - int(segment.start_frame) + 1


def _log_likelihood(segment: Any) -> float:
    """The log of pocketsphinx's probability, which underflows to 0 for unlikely audio."""
    if segment.ascore > 0:
        return math.log(segment.ascore)
    return _WORST_FIT * _frames(segment)


def _prepared(pcm16_8k: bytes) -> bytes:
    """The utterance at a fixed level, with added noise, padded with silence, at the model's rate."""
    audio = _PAD + mul(pcm16_8k, 2, _PEAK / peak_of(pcm16_8k, 2)) + _PAD
    hiss = _hiss() * (len(audio) // _HISS_BYTES + 1)
    return ratecv(add(audio, hiss[: len(audio)], 2), 2, 1, SAMPLE_RATE_HZ, MODEL_RATE_HZ, None)[0]


@cache
def _hiss() -> bytes:
    """One second of white noise; always the same, so that equal audio gives equal results."""
    return mul(random.Random(1).randbytes(_HISS_BYTES), 2, _HISS_PEAK / 32768)
