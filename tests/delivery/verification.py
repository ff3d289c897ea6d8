"""The example of docs/leads.md, as it stands there: the tests' CRM verifies with it."""

import re
from collections.abc import Mapping
from typing import Any

from tests.serving import ROOT

PAGE = ROOT / "docs/leads.md"


def example(language: str) -> str:
    """The block of code in ``language`` that verifies a signature."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if "hmac" in block.lower()]
    return str(found)


def verified(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    names: dict[str, Any] = {}
    exec(example("python"), names)
    return bool(names["is_ours"](secret, headers, body, now))
