"""The caller's audio, pure: frames, VAD, endpointing, segmenter, pacing. ``silero`` runs a model."""
