"""Which of OpenAI's protocols a model speaks, by its name. Imports nothing of the SDK."""

LIVE_STT = ("gpt-live-transcribe", "gpt-realtime-whisper")


def hears_live(model: str) -> bool:
    """It transcribes in a session, while the caller speaks; others take a whole utterance as a file."""
    return model.startswith(LIVE_STT)
