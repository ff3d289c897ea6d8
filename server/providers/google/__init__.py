"""Google Cloud: the gRPC client that STT and TTS share, and the STT; the TTS is ``server.gcp_tts_live``."""
