"""The embedded STT: Hebrew phrases, one small grammar a question, recognised by pocketsphinx."""
