"""Takes a message for the office when the LLM has failed after a prompt has asked for one (F3).

If no LLM is configured, the turn logic takes messages itself and does not ask the receptionist.
"""

from collections.abc import Sequence
from functools import lru_cache

from server.hebrew.speak.sentences import split_sentences
from server.hebrew.understand.answers import is_no, is_yes
from server.hebrew.understand.number_runs import tells_a_telephone
from server.hebrew.understand.questions import is_question
from server.turns.effects import Line, Speaker
from server.turns.prompts import Lines, forms_of


def answer_to_message(
    history: Sequence[Line], text: str, number: str, lines: Lines
) -> tuple[str, bool] | None:
    """The reply to ``text``, in every gender, and whether ``text`` is a message. None: none was asked for."""
    if not history or history[-1].speaker is not Speaker.AGENT or is_question(text):
        return None
    said = tuple(split_sentences(history[-1].text))
    if not any(said[-len(line) :] == line for line in _asking(lines)):
        return None
    if is_yes(text, history[-1].text):
        return lines.go_ahead, False
    if is_no(text, history[-1].text):
        return lines.no_message, False
    return lines.message_taken if number or tells_a_telephone(text) else lines.message_number, True


@lru_cache(maxsize=8)
def _asking(lines: Lines) -> frozenset[tuple[str, ...]]:
    """The sentences of every prompt that asks for a message; each must be found whole, not in part."""
    asking = (lines.no_person, lines.go_ahead, lines.which_number, lines.message_number)
    return frozenset(tuple(split_sentences(form)) for line in asking for form in forms_of(line))
