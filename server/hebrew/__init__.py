"""The language: sentences, words compared, words spoken. Pure: text in, text out; lists are in ``data``."""
