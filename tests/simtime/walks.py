"""How many random calls are tried: each is a whole one, some two hundred milliseconds."""

from hypothesis import settings

walks = settings(max_examples=30) if settings.get_current_profile_name() == "gate" else settings()
