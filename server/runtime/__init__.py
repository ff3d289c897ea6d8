"""Threads, native code, locks, and the web server below."""
