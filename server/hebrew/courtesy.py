"""What is said to an end that is agreed upon: thanks, a nod, a goodbye, and nothing else."""

from server.hebrew.data import Phrases
from server.hebrew.words import words_of

_GOODBYES = ("goodbye", "goodbye_wish", "goodbye_till_then", "goodbye_with_thanks")
_COURTESY = Phrases.read("backchannel", "courtesy", "thanks", *_GOODBYES, prefixes=("ו",))


def is_courtesy(text: str) -> bool:
    """``text`` is thanks, backchannel or leave-taking as a whole: "אוקיי תודה רבה להתראות"."""
    return _COURTESY.make_up(words_of(text))
