"""Which of OpenAI's protocols a model speaks, by its name. Imports nothing of the SDK."""

LIVE_STT = ("gpt-live-transcribe", "gpt-realtime-whisper")
REALTIME_TTS = "gpt-realtime"


def hears_live(model: str) -> bool:
    """It transcribes in a session, while the caller speaks; others take a whole utterance as a file."""
    return model.startswith(LIVE_STT)


def speaks_realtime(model: str) -> bool:
    """It is a voice model of the Realtime API; others are asked at the speech endpoint."""
    return model.startswith(REALTIME_TTS) and not hears_live(model)
