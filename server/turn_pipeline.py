"""The three public functions: one utterance to text, text to a reply, text to speech. They need no call."""

from server.audio.frames import pcm16_to_mulaw
from server.logs.events import log
from server.providers.base import RecognizesWhole, ReplyRequest, Stt
from server.providers.fallback import NoneWorked, first_that_works
from server.providers.provider_set import default_providers
from server.providers.reply.spoken import SpokenReply
from server.providers.tts_cache import speak_whole, tts_failed
from server.turns.effects import Expected

TIMEOUT_S = 30.0  # of one provider


def asr_hebrew_from_pcm16_8k(pcm16: bytes) -> str:
    """The words of one utterance of PCM16 8 kHz mono; empty when nothing was understood. Blocks."""
    providers = default_providers()
    mulaw_8k = pcm16_to_mulaw(pcm16[: len(pcm16) // 2 * 2])
    expected = providers.llm.first.opening
    try:
        return first_that_works(
            providers.stt,
            lambda attempt: _recognize(attempt.provider, mulaw_8k, expected),
            complain=lambda complaint: log.error("ASR_ERR:", cause=complaint),
        )
    except NoneWorked:
        return ""


def _recognize(stt: Stt, mulaw_8k: bytes, expected: Expected) -> str:
    if isinstance(stt, RecognizesWhole):
        return stt.recognize(mulaw_8k, expected, TIMEOUT_S).text.strip()
    recognition = stt.start(expected, 1, TIMEOUT_S)
    recognition.feed(mulaw_8k)
    recognition.finish()
    return " ".join(heard.text for heard in recognition if heard.is_final).strip()


def generate_hebrew_response(
    text: str, target_style: str = "warm_helpful", min_chars: int = 140, max_chars: int = 420
) -> str:
    """A reply to ``text`` alone, without a history; empty when no LLM has one. Blocks."""
    request = ReplyRequest(text, (), 1, target_style, min_chars, max_chars)
    try:
        return first_that_works(
            default_providers().llm,
            lambda attempt: " ".join(filter(None, SpokenReply(attempt.provider, request, TIMEOUT_S))),
            complain=lambda complaint: log.error("LLM_ERR:", cause=complaint),
        )
    except NoneWorked:
        return ""


def synth_hebrew_tts_pcm16_8k(text: str) -> bytes:
    """PCM16 8 kHz mono of ``text``; empty when no TTS can say it. Blocks."""
    providers = default_providers()
    spoken = speak_whole(providers.tts_cache.pronounce(text), providers.tts, tts_failed)
    return spoken.pcm16_8k if spoken is not None else b""
