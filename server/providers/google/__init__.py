"""Google's cloud: the client that STT and TTS share, and STT."""
