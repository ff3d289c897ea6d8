"""Questions of the caller, and questions of the agent that offer a choice."""

from server.hebrew.data import Phrases
from server.hebrew.speak.sentences import split_sentences
from server.hebrew.words import words_of

_ASKING = Phrases.read("question_words", prefixes=("ו",))
_NOT_ASKING = Phrases.read("question_none", prefixes=("ו",))
_BEGINNING = 3  # words, one of which begins the question
_OR = "או"


def is_question(text: str) -> bool:
    """Whether ``text`` asks something: "מתי יהיה נציג", "אוקיי ומה המחיר"; not "מתי שנוח לכם"."""
    words = words_of(text)
    beginning = range(min(_BEGINNING, len(words)))
    return any(_ASKING.at(words, start) and not _NOT_ASKING.at(words, start) for start in beginning)


def offers_a_choice(spoken: str) -> bool:
    """Whether the last sentence of ``spoken``, perhaps incomplete, offers several things to choose from."""
    sentences = split_sentences(spoken)
    return bool(sentences) and _OR in words_of(sentences[-1])
