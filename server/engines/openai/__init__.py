"""OpenAI's ears, mind and voice, and those of whatever speaks its protocol (``OPENAI_BASE_URL``)."""
