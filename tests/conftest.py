"""Hypothesis: the gate tries the same examples every time; HYPOTHESIS_PROFILE=search looks for new ones.

No test leaves the outcome of a call, or a lead, where another one would find it.
"""

import os

from hypothesis import HealthCheck, settings

os.environ["STATE_FILE"] = os.environ["LEADS_FILE"] = ""

settings.register_profile(
    "gate", deadline=None, derandomize=True, max_examples=100, suppress_health_check=list(HealthCheck)
)
settings.register_profile("search", settings.get_profile("gate"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))
