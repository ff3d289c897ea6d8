"""OpenAI's STT, LLM and TTS, and those of a server that speaks its protocol (``OPENAI_BASE_URL``)."""
