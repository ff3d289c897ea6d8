"""The embedded STT: pocketsphinx with a small grammar of Hebrew phrases for each question."""
