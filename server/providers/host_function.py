"""A host's own function: what it can take is seen when it is mounted, what it raises is in the log."""

import functools
import inspect
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import Parameter, Signature
from traceback import walk_tb

from server.logs.events import log
from server.logs.rate_limited import OnceIn
from server.providers.base import ProviderError


@dataclass(frozen=True)
class Role:
    """What a function is for: what it must take, and what it may take, by these names."""

    name: str
    complaint: str  # the name of its line in the log
    takes: str
    offers: tuple[str, ...] = ()


ASR = Role("asr", "ASR_ERR", "pcm16")
RESPOND = Role("respond", "LLM_ERR", "text", ("target_style", "min_chars", "max_chars", "call"))
SYNTH = Role("synth", "TTS_ERR", "text")


class HostFunction:
    """Any thread, several at a time: as many as there are calls.

    Raises TypeError, with what to change, for what cannot be called as its role is.
    """

    def __init__(self, role: Role, function: object, clock: Callable[[], float] = time.monotonic) -> None:
        self._role = role
        self._function = _callable(role, function)
        self._plan = _plan(role, function)
        self._once = OnceIn(clock=clock)

    def __call__(self, main: object, **offers: object) -> object:
        """Call it with ``main`` and as much of ``offers`` as it can take. Raises whatever it raises."""
        values = {self._role.takes: main, **offers}
        named = {name: values[what] for name, what in self._plan.by_name.items()}
        return self._function(*(values[what] for what in self._plan.by_place), **named)

    def takes(self, offer: str) -> bool:
        """Whether it is given ``offer``, one of its role's."""
        return offer in (*self._plan.by_place, *self._plan.by_name.values())

    @contextmanager
    def failures_told(self) -> Iterator[None]:
        """What fails within is an ProviderError, and in the log, with its traceback: once a minute."""
        try:
            yield
        except ProviderError as error:
            self.tell(str(error))
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            if self._once.due(_kind_of(error)):
                self._log(why, error)
            raise ProviderError(why) from error

    def tell(self, why: str) -> None:
        """``why`` in the log, once a minute."""
        if self._once.due(why):
            self._log(why, None)

    def _log(self, why: str, error: Exception | None) -> None:
        log.error(f"{self._role.complaint}: host {self._role.name}:", cause=why, exc_info=error)


def _kind_of(error: Exception) -> Hashable:
    """Errors of one type, raised at one place, are the same whatever they say."""
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    return (type(error), *places[-1:])


# ---- how it is called ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """``by_place``: what it is given, in order; ``by_name``: its parameter → what that is given."""

    by_place: tuple[str, ...]
    by_name: dict[str, str]


def _callable(role: Role, function: object) -> Callable[..., object]:
    if not callable(function):
        raise TypeError(f"{role.name} must be a function, not {type(function).__name__}")
    if _is_async(function):
        raise TypeError(
            f"{role.name}={_name(function)} is async, and calls run in threads, without an event loop: "
            f"give a plain function, such as lambda {role.takes}: asyncio.run(…({role.takes}))"
        )
    return function


def _is_async(function: object) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    called = inspect.getattr_static(type(function), "__call__", None)  # of an object that is no function
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return any(kind(it) for kind in kinds for it in (function, called))


def _plan(role: Role, function: object) -> _Plan:
    """How to call it. Raises TypeError when it cannot be called so."""
    assert callable(function)
    try:
        outer = inspect.signature(function, follow_wrapped=False)
        inner = inspect.signature(function)  # of what a decorator has wrapped
    except (ValueError, TypeError):  # written in C: it takes what it must
        return _Plan((role.takes,), {})
    plan = _planned(role, outer, inner)
    try:
        outer.bind(*plan.by_place, **plan.by_name)
    except TypeError as error:
        may = f"; it may take {', '.join(role.offers)} too, by these names" if role.offers else ""
        raise TypeError(
            f"{role.name}={_name(function)}{outer} cannot be called ({error}): "
            f"it must take {role.takes} and need nothing else{may}"
        ) from None
    return plan


def _planned(role: Role, outer: Signature, inner: Signature) -> _Plan:
    """By ``outer``, what is really called; what it passes on by ``**`` must be known to ``inner``."""
    parameters = outer.parameters.values()
    placed = [p for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
    named = [p for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
    main = _main(role, placed, named)
    known = {p.name: role.takes if p is main else p.name for p in [*placed, *named]}
    gives = {name: what for name, what in known.items() if what in (role.takes, *role.offers)}
    by_place = []
    for parameter in placed:
        wanted = parameter is main or parameter.kind is Parameter.POSITIONAL_ONLY
        if not wanted or parameter.name not in gives:
            break
        by_place.append(gives.pop(parameter.name))
    if _takes_any(outer, Parameter.VAR_KEYWORD):
        gives |= {name: name for name in _passed_on(role, inner) if name not in known}
        if main is None and role.takes in inner.parameters:
            gives[role.takes] = role.takes
            return _Plan((), gives)
    if main is None and _takes_any(outer, Parameter.VAR_POSITIONAL):
        by_place.append(role.takes)
    elif main is None:  # into its ** at best, else it is refused
        gives[role.takes] = role.takes
    return _Plan(tuple(by_place), gives)


def _main(role: Role, placed: list[Parameter], named: list[Parameter]) -> Parameter | None:
    """The parameter that gets what it must take: the one of that name, else the first that is not offered."""
    by_name = next((p for p in [*placed, *named] if p.name == role.takes), None)
    return by_name or next((p for p in placed if p.name not in role.offers), None)


def _passed_on(role: Role, inner: Signature) -> list[str]:
    if _takes_any(inner, Parameter.VAR_KEYWORD):
        return list(role.offers)
    return [name for name in role.offers if name in inner.parameters]


def _takes_any(signature: Signature, kind: object) -> bool:
    return any(p.kind is kind for p in signature.parameters.values())


def _name(function: object) -> str:
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__qualname__
