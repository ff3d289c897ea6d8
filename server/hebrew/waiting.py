"""Who asks the other to wait, and who says that they do (F7). Lists are data."""

from server.hebrew.data import Phrases
from server.hebrew.questions import is_question
from server.hebrew.words import words_of

_ASKS = Phrases.read("wait", prefixes=("ו", "אז"))
_MOMENT = Phrases.read("wait_moment", prefixes=("ו",))
_AROUND = Phrases.read("wait_moment", "courtesy", "backchannel")
_WILL_BE_BACK = Phrases.read("wait_busy", prefixes=("ו",))
_WAITS = Phrases.read("wait_promised", prefixes=("ו",))


def asks_to_wait(text: str) -> bool:
    """The caller will be away for a while: "תמתיני רגע", "רגע אחד, אני מביא את התעודה", "שנייה" alone."""
    words = words_of(text)
    if _ASKS.within(words) and not is_question(text):
        return True
    return _MOMENT.within(words) and (_AROUND.make_up(words) or _WILL_BE_BACK.within(words))


def says_to_wait(text: str) -> bool:
    """We have just said that we wait: "אין בעיה, אני מחכה"."""
    return _WAITS.within(words_of(text)) and not text.rstrip().endswith("?")
