"""A message for the office, taken for an LLM that has failed: a line of the call's own has asked for it (F3).

While no LLM is among the minds the call takes messages itself, and the receptionist is not asked for them.
"""

from collections.abc import Sequence

from server.core import lines
from server.core.conversation import Line, Speaker
from server.hebrew.backchannel import is_no, is_yes
from server.hebrew.number_runs import tells_a_telephone
from server.hebrew.questions import is_question
from server.hebrew.sentences import split_sentences

_ASKING = (lines.NO_PERSON, lines.GO_AHEAD, lines.WHICH_NUMBER, lines.MESSAGE_NUMBER)
_ASKED = frozenset(split_sentences(form)[-1] for line in _ASKING for form in lines.forms_of(line))


def answer_to_message(history: Sequence[Line], text: str, number: str) -> tuple[str, bool] | None:
    """What is said to ``text``, in every gender, and whether it is a message; None: none was asked for."""
    if not history or history[-1].speaker is not Speaker.AGENT or is_question(text):
        return None
    if not _ASKED.intersection(split_sentences(history[-1].text)):
        return None
    if is_yes(text):
        return lines.GO_AHEAD, False
    if is_no(text):
        return lines.NO_MESSAGE, False
    return lines.MESSAGE_TAKEN if number or tells_a_telephone(text) else lines.MESSAGE_NUMBER, True
