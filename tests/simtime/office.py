"""What a simulated call leaves behind goes to one object of the test."""

from typing import Any


def leaves_to(office: Any) -> dict[str, Any]:
    """For ``SimCall.host``: ``office`` has ``save_lead``, ``save_call`` and ``close_call``."""
    return {"leads": office, "close_call": lambda *ended: office.close_call(*ended)}
