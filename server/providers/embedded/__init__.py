"""STT, LLM and TTS that run in this process without an account, for trying the agent out."""
