"""Google Cloud: the gRPC client that STT and TTS share, and the STT."""
