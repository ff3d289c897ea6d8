"""Last words that need another word behind them."""

from server.hebrew.data import Phrases
from server.hebrew.understand.ends import needs_a_word, predicates, subjects
from server.hebrew.understand.ends.grammar import WAITING

_OPEN = Phrases.read("ends/open")
_RULES = (
    subjects.pronoun, subjects.this, subjects.adverb, subjects.mine, subjects.age, subjects.another,
    predicates.verb_waits, predicates.to_me, predicates.there_is, predicates.question_word,
    needs_a_word.prefix_letters, needs_a_word.place, needs_a_word.measure, needs_a_word.construct,
    needs_a_word.title, needs_a_word.label, needs_a_word.number_of_noun,
)  # fmt: skip


def open_at_end(words: list[str]) -> int:
    """The number of last words that look waiting or finished, but are neither."""
    return _OPEN.at_end(words)


def last_words_wait(words: list[str]) -> bool:
    """Whether ``words`` (at least one) cannot end like this."""
    if needs_a_word.letter_named(words):
        return False
    waiting, known = WAITING.at_end(words), open_at_end(words)
    if known and known >= waiting:
        return False
    return bool(waiting) or any(rule(words) for rule in _RULES)
