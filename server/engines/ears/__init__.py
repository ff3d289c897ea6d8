"""The embedded ears: Hebrew phrases, one small grammar a question, heard by pocketsphinx."""
