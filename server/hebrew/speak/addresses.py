"""E-mail and web addresses as people dictate them: dan שטרודל gmail נקודה com."""

import re

from server.hebrew.speak.codes import digits_said

_TOP = "com|net|org|gov|ac|muni|k12|idf|info|biz|io|app|ai|me|ly|tv|shop|online|site|co|il"
_PATH = r"(?:[/?#][^\s<>\"'()\[\]א-ת]*[\w/=%])?"
EMAIL = r"[A-Za-z0-9_.+-]*[A-Za-z0-9_+-]@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
URL = (
    rf"(?:https?://|[Ww][Ww][Ww]\.)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*{_PATH}"
    rf"|[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.(?:{_TOP})(?![A-Za-z0-9-]){_PATH}"
)
HANDLE = r"@[A-Za-z_][\w.]*\w"
_SCHEME = re.compile(r"^https?://")
_PARTS = re.compile(r"\d+|[A-Za-z]+|.")
_SIGNS = {
    ".": "נקודה", "-": "מקף", "_": "קו תחתון", "@": "שטרודל", "+": "פלוס", "/": "סלש", "?": "סימן שאלה",
    "=": "שווה", "%": "אחוז", "#": "סולמית", "&": "וגם", ":": "נקודתיים",
    "~": "טילדה", ",": "פסיק", ";": "נקודה פסיק",
}  # fmt: skip


def address_said(address: str) -> str:
    """The address with letters unchanged, digits and signs in words, and without its scheme."""
    bare = _SCHEME.sub("", address).rstrip("/")
    return " ".join(_part(part) for part in _PARTS.findall(bare) if part.isalnum() or part in _SIGNS)


def _part(part: str) -> str:
    return digits_said(part) if part.isdigit() else _SIGNS.get(part, part)
