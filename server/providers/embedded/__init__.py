"""STT, LLM and TTS in this process, without an account: for trying out."""
