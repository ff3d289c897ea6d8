"""Providers that are spoken to over a WebSocket: one connection, one exchange at a time, given up at once."""
