"""One call at work: its STT session, LLM and TTS on threads of their own, each under a deadline."""
