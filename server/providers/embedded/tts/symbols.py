"""Any text to signs that the embedded TTS reads: spoken Hebrew words, one sign for each mark."""

import re
import unicodedata

from server.hebrew.speak.speakable import speakable
from server.providers.embedded.tts.letters import GERESH, GERSHAYIM

_PREFIX_HYPHEN = re.compile(r"(?<!\w)([ובלהמשכ]{1,3})[-־–](?=\w)")
_GERESH_SIGN = re.compile(r"(?<=[א-ת])([\u0591-\u05c7]*)['‘’´`]")
_GERSHAYIM_SIGN = re.compile(r"(?<=[א-ת\u0591-\u05c7])(?:[\"“”„]|''|׳׳)(?=[א-ת])")


def spelled_out(text: str) -> str:
    """``text`` in spoken words (E6), with one sign each for geresh and gershayim. Never fails.

    Compatibility forms (ligatures, full-width letters) are decomposed.
    """
    text = unicodedata.normalize("NFKC", speakable(text))
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    text = _GERSHAYIM_SIGN.sub(GERSHAYIM, text)
    text = _GERESH_SIGN.sub(rf"\1{GERESH}", text)
    return _PREFIX_HYPHEN.sub(r"\1", text)
