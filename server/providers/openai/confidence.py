"""How sure OpenAI's models are of a transcript (E1)."""

import math
from typing import Any


def confidence_of(logprobs: Any) -> float | None:
    """The geometric mean of the tokens' probabilities; None when there are none."""
    values = [token["logprob"] for token in logprobs or () if isinstance(token.get("logprob"), int | float)]
    return min(math.exp(sum(values) / len(values)), 1.0) if values else None
