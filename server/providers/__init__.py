"""STT, LLM and TTS: one vendor service a file, its SDK imported only when it is used."""
