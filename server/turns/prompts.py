"""The agent's fixed lines: said by itself, not by the LLM, so that there is never silence.

Their wording is data, an office's or ours, and is handed in (``settings.prompts_file``). In a line
``{a|b}`` is what the agent says of itself, feminine and masculine; ``[a|b|c]`` is how it speaks to the
caller: without a gender, which in Hebrew is the plural, until the caller's own words have shown one; then
feminine, masculine.
"""

import re
from dataclasses import dataclass, fields
from enum import Enum
from itertools import chain, product
from typing import Annotated, Any

from server.hebrew.understand.gender import Gender

OFFER_AFTER = 3  # unclear turns in a row
DEAF_AFTER = 2  # turns that the STT has failed
ACT_AFTER = 6  # such turns: then nothing is asked any more (E1)


class Must(Enum):
    """What a line has to be for the call to go on behind it as it does."""

    ASK = "ask"  # a plain yes or no is its answer
    PART = "part"  # the call ends behind it, or is handed over: a reply that asks does neither (F2)
    NOT_PROMISE = "not promise"  # the caller's number is hidden: nobody could call back (F3)


Parting = Annotated[str, Must.PART]
Asking = Annotated[str, Must.ASK]


@dataclass(frozen=True)
class Lines:
    """Every fixed line by its name; a tuple has several wordings, said in turn.

    ``server/settings/prompts_he.txt`` tells when each is said.
    """

    unclear: tuple[str, ...]
    not_heard: str
    offer_call_back: Asking
    offer_person: Asking
    giving_up: Parting
    giving_up_hidden: Annotated[str, Must.PART, Must.NOT_PROMISE]

    deaf_hand_over: Parting
    deaf_keys: str
    deaf_keys_hidden: str
    noted_goodbye: Parting

    llm_failed: tuple[str, ...]
    already_said: tuple[str, ...]
    added_question: Asking
    wordless_goodbye: Parting
    wordless_hand_over: Parting
    wordless_noted: str

    still_there: tuple[str, ...]
    nobody_there: Parting
    goodbye: Parting
    time_is_up: Parting
    closing_hand_over: Parting
    closing_call_back: Parting
    closing_hidden: Annotated[str, Must.PART, Must.NOT_PROMISE]

    handing_over: Parting
    no_person: str
    go_ahead: str
    which_number: str
    message_number: Annotated[str, Must.NOT_PROMISE]
    message_taken: str
    message_kept: Annotated[str, Must.NOT_PROMISE]
    no_message: str

    cut_off: str
    cut_off_go_on: str

    apology_transfer: Parting
    apology: Parting
    apology_hidden: Annotated[str, Must.PART, Must.NOT_PROMISE]
    busy: Parting
    no_answer: Parting
    no_answer_hidden: Annotated[str, Must.PART, Must.NOT_PROMISE]


_OF_THE_AGENT = re.compile(r"\{([^|}]*)\|([^}]*)\}")
_TO_THE_CALLER = re.compile(r"\[([^|\]]*)\|([^|\]]*)\|([^\]]*)\]")


def in_turn(wordings: tuple[str, ...], number: int) -> str:
    """The wording for the time ``number``, from 0: the first one first, none twice in a row."""
    return wordings[number % len(wordings)]


def offers(times_in_a_row: int) -> bool:
    """Whether the n-th failure in a row, from 1, is answered by an offer instead of a question (E1, G2)."""
    return times_in_a_row % OFFER_AFTER == 0


def asking_again(wordings: tuple[str, ...], times_in_a_row: int) -> str:
    """The question for the n-th failure in a row, from 1, that is answered by one."""
    return in_turn(wordings, times_in_a_row - times_in_a_row // OFFER_AFTER - 1)


def by_agent(line: str, agent: Gender) -> str:
    """``line`` as this agent says it; to whom is still open."""
    return _OF_THE_AGENT.sub(r"\1" if agent is Gender.FEMININE else r"\2", line)


def to_caller(line: str, caller: Gender | None) -> str:
    """``line`` as it is said to this caller."""
    return _TO_THE_CALLER.sub({None: r"\1", Gender.FEMININE: r"\2", Gender.MASCULINE: r"\3"}[caller], line)


def in_gender(line: str, agent: Gender, caller: Gender | None) -> str:
    """``line`` as this agent says it to this caller."""
    return to_caller(by_agent(line, agent), caller)


def forms_of(line: str) -> frozenset[str]:
    """``line`` as any agent says it to any caller."""
    return frozenset(in_gender(line, agent, caller) for agent, caller in product(Gender, (None, *Gender)))


def spoken_by(lines: Lines, agent: Gender) -> Lines:
    """The lines as this agent says them; to whom is still open."""
    said: dict[str, Any] = {}
    for field in fields(lines):
        value = getattr(lines, field.name)
        one = isinstance(value, str)
        said[field.name] = by_agent(value, agent) if one else tuple(by_agent(line, agent) for line in value)
    return Lines(**said)


def all_lines(greeting: str, hint: str, lines: Lines) -> tuple[str, ...]:
    """Every line worth making before the first call, in every form this agent may use, without empty ones."""
    said = (getattr(lines, field.name) for field in fields(lines))
    wordings = chain.from_iterable((value,) if isinstance(value, str) else value for value in said)
    forms = (to_caller(wording, caller) for wording, caller in product(wordings, (None, *Gender)))
    return tuple(dict.fromkeys(line for line in (greeting, hint, *forms) if line.strip()))
