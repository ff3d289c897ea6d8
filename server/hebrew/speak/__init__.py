"""Spoken Hebrew: written text to spoken words (E6), and sentences from a stream (C2). Pure."""
