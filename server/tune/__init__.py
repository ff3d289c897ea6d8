"""``python -m server.tune``: recorded calls under other settings, and what they say of those in force."""
