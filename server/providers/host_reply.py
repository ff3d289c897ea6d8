"""What a host's ``respond`` may be told, and what it may answer."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from server.hebrew.understand.gender import Gender
from server.providers.base import ProviderError, ReplyRequest
from server.turns.effects import Act, EndCall, Line, SaveLead, Transfer

log = logging.getLogger("agent")


@dataclass(frozen=True)
class Call:
    """The call as it is when the caller has said the ``text`` that is to be answered.

    ``number``: the caller's; empty: hidden. ``call_sid``: Twilio's name of the call. ``history``: what both
    have *heard*, oldest first, without ``text``. ``gender``: as the caller has spoken of themselves; None: no
    telling. ``turn_number``: from 1. ``person``: there is one now, to whom ``Transfer()`` hands over.
    ``gone``: the caller has hung up: nothing is heard any more, and only leads are kept.
    """

    number: str
    call_sid: str
    history: tuple[Line, ...]
    gender: Gender | None
    turn_number: int
    person: bool
    gone: bool = False


@dataclass(frozen=True)
class Reply:
    """A text, or pieces of one as they come, and what to do beside saying it: an act or several."""

    text: "str | Iterable[Said] | None" = ""
    acts: Act | Iterable[Act] = ()


Said = str | Act | Reply | None
Answer = Said | Iterable[Said]


def call_of(request: ReplyRequest) -> Call:
    return Call(
        number=request.call.number,
        call_sid=request.call.sid,
        history=request.history,
        gender=request.caller,
        turn_number=request.turn_number,
        person=request.person,
        gone=request.gone,
    )


def said_in(answer: object) -> Iterator[str | Act]:
    """What ``answer`` says and does, in order, as it comes. Blocks as long as ``answer`` does.

    A stream, such as a generator, is closed at its end, however that comes. Raises ProviderError for what is
    neither text nor act, and whatever ``answer`` raises.
    """
    if answer is None:  # a function without a return, and a piece that a stream has nothing in
        return
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, Reply):
        yield from said_in(answer.text)
        yield from _acts_in(answer.acts)
    elif _is_act(answer):
        yield _as_act(answer)
    elif isinstance(answer, Iterable) and not isinstance(answer, bytes | bytearray | Mapping | Set):
        try:
            for piece in answer:
                yield from said_in(piece)
        finally:
            close(answer)
    else:
        close(answer)  # a coroutine that nobody awaits
        raise ProviderError(f"gave {type(answer).__name__}, not text, a Reply, or a stream of text")


def close(answer: object) -> None:
    """End a stream that is not read any more. What it raises then is in the log, and nowhere else."""
    ends = getattr(answer, "close", None)
    if callable(ends):
        try:
            ends()
        except Exception:
            log.exception("LLM_ERR: host respond: a stream that could not be closed")


def _acts_in(acts: object) -> Iterator[Act]:
    if _is_act(acts):
        yield _as_act(acts)
    elif isinstance(acts, Iterable) and not isinstance(acts, str | bytes | Mapping):
        for act in acts:
            if not _is_act(act):
                raise ProviderError(f"gave {type(act).__name__} among a Reply's acts")
            yield _as_act(act)
    elif acts is not None:
        raise ProviderError(f"gave {type(acts).__name__} for a Reply's acts")


def _is_act(it: object) -> bool:
    return isinstance(it, Act) or it is EndCall or it is Transfer


def _as_act(it: object) -> Act:
    """An act as the call can keep it: ``EndCall`` for ``EndCall()`` is meant well, and so are a lead's
    details that came as a dictionary, or with numbers in them."""
    if isinstance(it, SaveLead):
        try:
            details = {str(name): value for name, value in dict(it.details).items()}
        except (TypeError, ValueError):
            raise ProviderError("gave a SaveLead whose details are no names and values") from None
        return SaveLead.of(**details)
    if isinstance(it, EndCall) or it is EndCall:
        return EndCall()
    return Transfer()
