"""The amounts in a caller's line, each with its role: rooms, money, or something not asked for. Pure.

A range or a choice of two numbers is one amount (``Amount.members``) with an upper end.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from server.providers.embedded.llm import callers_he as he
from server.providers.embedded.llm.numbers_he import MILLION, THOUSAND, counts_things, number_at
from server.providers.embedded.llm.tokens import PAUSE

_NEAR = 2  # the widest range of rooms
_ELLIPSIS = 20  # numbers below may leave the thousand out: "five two-hundred" is 5,200
_NAMES = frozenset((*he.LABELS, *he.FEES, *he.OWN_MONEY))
_MONEY = frozenset((*he.SHEKELS, *he.FOREIGN))
_CEILINGS = frozenset(he.CEILINGS)
_NOTHING = frozenset((*he.TO, *he.BESIDE, *he.ROOMS, *he.MONEY_NAMED, *_MONEY))
_PREFIXES = "הבלמוש"
_BUILDING = "בית"  # ועד בית
_UP_TO = "ל"
_AND_A_HALF = "וחצי"


class Role(Enum):
    BARE = "bare"  # no word beside the number tells
    ROOMS = "rooms"
    MONEY = "money"
    FOREIGN = "foreign"  # money of another country
    OTHER = "other"  # a floor, a fee, an area, children, an hour …


@dataclass(frozen=True)
class Said:
    """One number of a line: tokens ``start`` to ``end``, ``end`` excluded."""

    start: int
    end: int
    value: float
    scale: int = 1
    role: Role = Role.BARE


@dataclass(frozen=True)
class Amount:
    """One answer: a single number, a range or a choice, in the order of speech."""

    members: tuple[Said, ...]
    role: Role
    ceiling: bool = False  # behind "עד" or a synonym

    @property
    def upper(self) -> float:
        """The upper end. Where the last number leaves the scale out, it has that of the first."""
        top = self.members[0].value
        for said in self.members[1:]:
            top = max(top, _raised(top, max(one.scale for one in self.members), said))
        return top

    @property
    def last(self) -> float:
        return self.members[-1].value


def amounts_of(tokens: Sequence[str]) -> list[Amount]:
    """The amounts of a line, without those the caller takes back, unless no other is left."""
    amounts: list[Amount] = []
    taken: list[Amount] = []
    before: Said | None = None
    for said in _shortened(_said_in(tokens)):
        between = None if before is None else list(tokens[before.end : said.start])
        amount = Amount(
            (said,), said.role, ceiling=_has_ceiling(tokens[before.end if before else 0 : said.start])
        )
        if amounts and before and between is not None and _linked(before, said, tokens, amounts[-1]):
            amounts[-1] = _joined(amounts[-1], said)
        elif (
            amounts
            and between is not None
            and _denied(between)
            and amounts[-1].role in (said.role, Role.BARE)
        ):
            if between[-1:] == ["לא"] and PAUSE in between:  # "שלוש, לא ארבע"
                taken.append(amount)
                continue
            taken.append(amounts.pop())
            amounts.append(amount)
        else:
            amounts.append(amount)
        before = said
    return amounts or taken


def _denied(between: Sequence[str]) -> bool:
    """Whether the words between two numbers only say that the first was wrong."""
    return any(token in he.INSTEAD for token in between) and all(
        token in he.INSTEAD or token in he.BESIDE or token in he.ROOMS for token in between
    )


def _said_in(tokens: Sequence[str]) -> list[Said]:
    found: list[Said] = []
    at = 0
    while at < len(tokens):
        said = _one_room(tokens, at) or _said_at(tokens, at, found[-1].end if found else 0)
        if said is not None:
            found.append(said)
        at = at + 1 if said is None else said.end
    return found


def _one_room(tokens: Sequence[str], at: int) -> Said | None:
    """A room without a number ("חדר"), unless it is a bedroom, a meeting room or the like."""
    following = tokens[at + 1] if at + 1 < len(tokens) else PAUSE
    room = _is(tokens[at], he.ROOMS[:1]) and following not in he.ROOM_OF
    half = following == _AND_A_HALF
    if _is(tokens[at], he.STUDIO) or (room and (half or number_at(tokens, at + 1) is None)):
        return Said(at, at + 1 + half, 1 + half / 2, role=Role.ROOMS)
    return None


def _said_at(tokens: Sequence[str], at: int, behind: int) -> Said | None:
    """The number at ``at``, with its noun. ``behind``: the end of the number before it."""
    number = number_at(tokens, at)
    if number is None:
        return None
    following = [*tokens[number.end : number.end + 2], PAUSE, PAUSE]
    if _is(following[0], he.ROOMS):
        kind = following[1] in he.ROOM_OF
        half = following[1] == _AND_A_HALF
        role = Role.OTHER if kind else Role.ROOMS
        return Said(at, number.end + 1 + (kind or half), number.value + half / 2, number.scale, role)
    role = _role(tokens[behind:at], tokens[number.end :])
    role = Role.MONEY if role is Role.BARE and number.scale > 1 else role
    return Said(at, number.end, number.value, number.scale, role)


def _role(before: Sequence[str], following: Sequence[str]) -> Role:
    """The role of a number between these words."""
    noun = following[0] if following else PAUSE
    if _is(noun, he.FOREIGN) or (before and before[-1] in he.FOREIGN):
        return Role.FOREIGN
    paid = _is(noun, he.SHEKELS) or before[-1:] == ["₪"]
    if _named(before) or (before and before[-1] in he.ADDED) or _is_fee(following[_is(noun, he.SHEKELS) :]):
        return Role.OTHER
    if paid:
        return Role.MONEY
    if noun in he.UNITS or counts_things(noun):
        return Role.OTHER
    if [token for token in before if token != PAUSE][-1:] == [he.ROOMS[1]]:
        return Role.ROOMS
    money = any(_is(token, he.MONEY_NAMED) for token in (*before[-he.LABEL_REACH :], noun))
    return Role.MONEY if money else Role.BARE


def _named(before: Sequence[str]) -> bool:
    """Whether a label, a fee or the caller's own money is near before the number, and no ceiling nearer."""
    for token in reversed(before[-he.LABEL_REACH :]):
        if _is(token, _NAMES):
            return True
        if token == PAUSE or token in _CEILINGS:
            return False
    return False


def _is(token: str, words: Collection[str]) -> bool:
    """Whether ``token`` is one of ``words``, perhaps with a prefix of one letter."""
    return token in words or (len(token) > 2 and token[0] in _PREFIXES and token[1:] in words)


def _is_fee(following: Sequence[str]) -> bool:
    """Whether a fee follows that has no number of its own: "300 ועד בית", but not "6000 ועד בית 300"."""
    if not following or not _is(following[0], he.FEES):
        return False
    near = range(1, min(len(following), he.LABEL_REACH + 1))
    return all(number_at(following, place) is None for place in near)


def _has_ceiling(tokens: Sequence[str]) -> bool:
    return any(_is(token, _CEILINGS) for token in tokens[-he.LABEL_REACH :])


def _shortened(numbers: list[Said]) -> list[Said]:
    """Joins "five two-hundred" into one number, 5,200."""
    found: list[Said] = []
    for said in numbers:
        last = found[-1] if found else None
        hundreds = said.value % 100 == 0 and 100 <= said.value < THOUSAND and said.scale == 1
        small = (
            last is not None and last.scale == 1 and last.value < _ELLIPSIS and last.value == int(last.value)
        )
        if last and small and hundreds and last.end == said.start and last.role is Role.BARE:
            both = last.value * THOUSAND + said.value
            found[-1] = Said(last.start, said.end, both, 1, said.role)
        else:
            found.append(said)
    return found


def _linked(before: Said, said: Said, tokens: Sequence[str], amount: Amount) -> bool:
    """Whether the two numbers are a range or a choice."""
    between = [token for token in tokens[before.end : said.start] if token != _UP_TO]
    up_to = tokens[said.start].startswith(_UP_TO) or len(between) < said.start - before.end
    roles = {before.role, said.role, amount.role} - {Role.BARE}
    if said.role is Role.OTHER and any(_is(token, _NAMES) for token in between):
        return False
    if len(roles) > 1 or not _NOTHING.issuperset(between):
        return False
    if Role.ROOMS in roles and said.role is Role.BARE and not 0 < said.value - before.value <= _NEAR:
        return False
    if any(token in he.TO for token in between) or up_to:
        return True
    if between and between != [PAUSE]:
        return False
    near = 0 < said.value - before.value <= 1 and before.value < _ELLIPSIS
    return near or _steps_up(before, said)


def _steps_up(before: Said, said: Said) -> bool:
    """ "ארבע חמש אלף", "בין מיליון לשניים": only one of the two numbers names the scale."""
    if before.scale == 1 and said.scale > 1:
        return 0 < said.value / said.scale - before.value <= 1
    return before.scale > 1 and said.scale == 1 and said.value <= _ELLIPSIS


def _joined(amount: Amount, said: Said) -> Amount:
    role = amount.role if said.role is Role.BARE else said.role
    return replace(amount, members=(*amount.members, said), role=role)


def _raised(top: float, scale: int, said: Said) -> float:
    """``said`` as an upper end above ``top``: "a million eight hundred to nine hundred"."""
    scale = scale if scale > 1 else MILLION if top >= MILLION else THOUSAND if top >= THOUSAND else 1
    if said.scale > 1 or scale == 1:
        return said.value
    whole = top // scale * scale
    rest = said.value * (100 if scale == MILLION and said.value < 10 else 1)
    rest *= THOUSAND if scale == MILLION else 1
    readings = [said.value, said.value * scale]
    if top % scale and rest < scale and rest >= 100:
        readings.append(whole + rest)
    return min((value for value in readings if value > top), default=top)
