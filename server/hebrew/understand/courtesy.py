"""Courtesy without content: thanks, nods, goodbyes."""

from server.hebrew.data import Phrases
from server.hebrew.understand.backchannel import NODS
from server.hebrew.words import words_of

_COURTESY = NODS | Phrases.read("courtesy", "thanks", "leaving/goodbye", "leaving/wish", prefixes=("ו",))
_TO_US = ("לך", "לכם")


def is_courtesy(text: str) -> bool:
    """Whether all of ``text`` is thanks, backchannel or leave-taking: "אוקיי תודה רבה להתראות"."""
    words = words_of(text)
    bare = [word for word in words if word not in _TO_US]
    return bool(bare) and any(_COURTESY.make_up(said) for said in (words, bare))
