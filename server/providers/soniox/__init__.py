"""Soniox: STT and TTS over WebSockets, μ-law at 8 kHz one way and the other."""
