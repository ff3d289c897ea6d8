"""Twilio: its messages and media socket, its signatures, the addresses it calls."""
