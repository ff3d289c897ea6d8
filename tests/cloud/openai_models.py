"""OpenAI's models and when they end, as GET /v1/models tells it.

Dates: https://developers.openai.com/api/docs/deprecations and ``openai`` 3.54, types/chat_model.py,
types/audio/speech_model.py, types/realtime/audio_transcription.py, read 2026-11-29.
"""

from typing import Any

SPEECH_ENDPOINT_ENDS = "2027-01-06"  # /v1/audio/speech
ENDS: dict[str, str | None] = {
    "gpt-5": "2026-12-11",
    "gpt-5-mini": "2026-12-11",
    "gpt-5-nano": "2026-12-11",
    "tts-1": SPEECH_ENDPOINT_ENDS,
    "tts-1-hd": SPEECH_ENDPOINT_ENDS,
    "gpt-4o-mini-tts": SPEECH_ENDPOINT_ENDS,
    "gpt-4o-mini-tts-2025-12-15": SPEECH_ENDPOINT_ENDS,
    "gpt-4o": "2027-01-14",
    "gpt-4o-mini": "2027-01-14",
    "gpt-4.1": "2027-01-14",
    "gpt-4.1-mini": "2027-01-14",
    "gpt-realtime": "2027-01-20",
    "gpt-realtime-mini": "2027-01-20",
    "whisper-1": "2027-02-26",
    "gpt-4o-transcribe": "2027-02-26",
    "gpt-4o-mini-transcribe": "2027-02-26",
    "gpt-5.1": "2027-04-01",
    "gpt-5.4-nano": "2027-04-01",
    "gpt-5.4-mini": None,
    "gpt-5.6-luna": None,
    "gpt-6-luna": None,
    "gpt-transcribe": None,
    "gpt-live-transcribe": None,
    "gpt-realtime-2.1": None,
    "gpt-realtime-2.1-mini": None,
}


class Models:
    """Which models there are ``today``; both may be changed at any time. Any thread.

    A model that is not among ``ends`` is there, without an end: tests make names up.
    """

    def __init__(self) -> None:
        self.today = "2026-11-29"
        self.ends = dict(ENDS)

    def ended(self, model: str) -> bool:
        end = self.ends.get(model)
        return end is not None and end <= self.today

    @property
    def speech_endpoint_ended(self) -> bool:
        return self.today >= SPEECH_ENDPOINT_ENDS

    def one(self, model: str) -> dict[str, Any]:
        """As GET /v1/models/… shows it."""
        head = {"id": model, "object": "model", "created": 0, "owned_by": "us"}
        return {**head, "shutdown_date": self.ends.get(model)}

    def all(self) -> dict[str, Any]:
        """As GET /v1/models shows them: those that can be asked today."""
        return {"object": "list", "data": [self.one(name) for name in self.ends if not self.ended(name)]}
