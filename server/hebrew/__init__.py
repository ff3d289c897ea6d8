"""The Hebrew language: its meaning and its spoken form. Pure: text in, text out; lists are in ``data``."""
