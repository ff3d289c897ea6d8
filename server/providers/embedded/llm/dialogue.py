"""The receptionist's dialogue, computed anew from the whole history. Pure: no state outlives a request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from server.hebrew.speak.numbers import dictated
from server.hebrew.speak.sentences import split_sentences
from server.hebrew.understand.speech_acts import wants_person
from server.providers.embedded.llm import script_he as he
from server.providers.embedded.llm.callers_he import Intent
from server.providers.embedded.llm.numbers_he import say_rooms, say_shekels
from server.providers.embedded.llm.understand import Understood, keys_of, typed, understand
from server.turns.effects import Act, EndCall, Line, SaveLead, Speaker, Transfer
from server.turns.prompts import Lines, forms_of

_DETAILS = ("intent", "city", "rooms", "budget", "name", "phone")  # in the order of the questions
_FLAT_DETAILS = frozenset({"intent", "city", "rooms", "budget"})
_PATIENCE = 3  # unusable answers to a question before it is skipped
_MOST_REMARKS = 2  # before a question, which has up to three sentences
_PERSON_KEY = "0"
_OWNERS = ("sell", "let")
_OWN_WORDS: dict[Intent, str] = {intent: he.FOR[intent] for intent in ("buy", "rent", "sell", "let")}


@dataclass(frozen=True)
class Form:
    """The caller's details; None: not known yet."""

    intent: Intent | None = None
    city: str | None = None
    rooms: float | None = None
    budget: int | None = None
    name: str | None = None
    phone: str | None = None  # as typed or said, or the caller's own number


@dataclass(frozen=True)
class Talk:
    """The state of the dialogue after a caller's line. ``number``: the caller's; empty: withheld (F11)."""

    number: str = ""
    form: Form = Form()
    skipped: frozenset[str] = frozenset()  # details that are not asked for again
    question: str = "intent"  # a key of ``script_he.ASK``, or "done"
    misses: int = 0  # unusable answers to this question, in a row
    remarks: tuple[str, ...] = ()  # spoken before the question
    wording: int = 0  # index of the question's wording
    begun: bool = False  # the caller has had a turn
    owner: bool = False  # the caller has a flat to sell or let
    left: bool = False  # the caller said goodbye before all was asked

    @property
    def reachable(self) -> bool:
        """Whether the caller can be called back, so that a call back may be promised."""
        return bool(self.number or self.form.phone)


@dataclass(frozen=True)
class Reply:
    """``text``: with the script's gender variants. ``question``: what the caller is asked now."""

    text: str
    question: str
    intent: Intent | None
    acts: tuple[Act, ...]


def talk_of(history: Sequence[Line], number: str) -> Talk:
    """The state of the dialogue after all lines of ``history``. ``number``: the caller's, or empty."""
    talk, caller_spoke = Talk(number), False
    for line in history:
        if line.speaker is Speaker.CALLER:
            talk, caller_spoke = hear(talk, line.text), True
        elif caller_spoke:  # the greeting is free text and holds no details
            talk = _recall(talk, line.text)
    return talk


def reply_to(before: Talk, text: str, lines: Lines, *, person: bool = False) -> Reply:
    """The receptionist's answer to ``text``: one to four sentences. Other parameters: see ReplyRequest."""
    talk = hear(before, text)
    # The lead is saved with every new detail: the caller may hang up at any time.
    lead = _lead(talk.form) if talk.form != before.form else None
    acts: tuple[Act, ...] = () if lead is None else (lead,)
    if person and (keys_of(text) == _PERSON_KEY or wants_person(text)):
        return Reply(lines.handing_over, talk.question, talk.form.intent, (*acts, Transfer()))
    if any(remark in he.FAREWELLS for remark in talk.remarks):
        acts += (EndCall(),)
    return Reply(_spoken(talk), talk.question, talk.form.intent, acts)


def hear(talk: Talk, text: str) -> Talk:
    """The state after one line of the caller."""
    return replace(_heard(talk, text), begun=True)


def _heard(talk: Talk, text: str) -> Talk:
    found = _found(talk, text)
    if found.topic in ("goodbye", "refusal"):
        return _take_leave(talk, found)
    if found.topic == "restart":
        return Talk(talk.number, remarks=(he.RESTARTED,))
    form = _noted(talk, found)
    if talk.left and _comes_back(talk, found, form):
        talk = replace(talk, question="intent", left=False)
        return _next(replace(talk, form=form), _remarks(talk, form) or (he.BACK,))
    if form != talk.form:
        return _next(replace(talk, form=form), _remarks(talk, form))
    if found.owner and not form.intent and not talk.owner:
        return _next(replace(talk, owner=True), (he.OPENED,))
    answered = _answered(talk, found)
    if answered is not None:
        return answered
    return _sidestep(talk, found, text)


def _found(talk: Talk, text: str) -> Understood:
    keys = keys_of(text)
    if keys == _PERSON_KEY:
        return Understood(topic="agent")
    if keys:
        return typed(keys, talk.question, talk.form.intent)
    found = understand(text, talk.question, talk.form.intent)
    # The first words of a call are never a goodbye (F2).
    return Understood(topic="hello") if found.topic == "goodbye" and not talk.begun else found


def _take_leave(talk: Talk, found: Understood) -> Talk:
    """ "To this number, thanks, goodbye": only a number is noted; other words there rarely matter."""
    form = replace(talk.form, phone=_noted(talk, found).phone)
    left = talk.left or talk.question != "done"
    remark = he.NOT_NEEDED if found.topic == "refusal" else he.GOODBYE
    return replace(_done(replace(talk, form=form), remark), left=left)


def _comes_back(talk: Talk, found: Understood, form: Form) -> bool:
    """Whether a caller who said goodbye early goes on with more than thanks."""
    return form != talk.form or (
        found.topic != "thanks" and (found.yes is not False or found.topic is not None)
    )


def _noted(talk: Talk, found: Understood) -> Form:
    """The form with the details of a line. "This number" counts only as the answer to a question for one."""
    form = replace(
        talk.form,
        intent=found.intent or talk.form.intent,
        city=found.city or talk.form.city,
        rooms=found.rooms or talk.form.rooms,
        budget=found.budget or talk.form.budget,
        name=found.name or talk.form.name,
        phone=found.phone or talk.form.phone,
    )
    agreed = found.this_number or (talk.question == "callback" and found.yes)
    if talk.question in ("callback", "phone") and agreed and not found.phone and not found.other_number:
        form = replace(form, phone=talk.number or form.phone)
    return form


def _answered(talk: Talk, found: Understood) -> Talk | None:
    """The state after an answer without a new detail; None if the line answers nothing."""
    question, yes = talk.question, found.yes
    if question == "callback" and (yes is False or found.other_number):
        return replace(talk, question="phone", misses=0, remarks=(he.FIXING,), wording=0)
    if question == "confirm" and yes is not None:
        return (
            _closed(talk) if yes else replace(talk, question="fix", misses=0, remarks=(he.FIXING,), wording=0)
        )
    if question == "fix" and (yes or any(getattr(found, detail) for detail in _DETAILS)):
        return _next(talk, ())  # the summary was right after all
    if question == "done":
        after = he.AFTER_CLOSED if talk.reachable else he.AFTER_CLOSED_NO_NUMBER
        return replace(talk, remarks=(he.GOODBYE if yes is False or found.topic == "thanks" else after,))
    if found.topic == "skip":
        return _skip(talk)
    return None


def _sidestep(talk: Talk, found: Understood, text: str) -> Talk:
    """Answers a caller's question or courtesy, or misunderstands; the open question is asked again."""
    if found.topic == "agent" and not talk.reachable:
        return replace(talk, question="phone", remarks=(he.AGENT_NO_NUMBER,), wording=0)
    if found.topic in he.TOPICS:
        answer = he.TOPICS[found.topic]
        remark = answer if talk.reachable else answer.replace(he.RETURNING, "")
        return replace(talk, remarks=(remark,), wording=1 if found.topic == "repeat" else 0)
    if talk.question == "intent" and he.FLAT in text and not talk.misses:
        return replace(talk, remarks=(he.OPENED,), wording=0)
    misses = talk.misses + 1
    if misses >= _PATIENCE:
        return _skip(talk)
    if found.foreign:
        return replace(talk, misses=misses, remarks=(he.IN_SHEKELS,), wording=misses)
    if found.this_number and talk.question == "phone":
        return replace(talk, misses=misses, remarks=(he.NUMBER_HIDDEN,), wording=0)
    return replace(talk, misses=misses, remarks=he.NOT_UNDERSTOOD[:1] if misses == 1 else (), wording=misses)


def _skip(talk: Talk) -> Talk:
    if talk.question in ("confirm", "fix"):
        return _closed(talk)
    detail = {"callback": "phone", "offer": "intent"}.get(talk.question, talk.question)
    return _next(replace(talk, skipped=talk.skipped | {detail}), (he.SKIPPED,))


def _closed(talk: Talk) -> Talk:
    closed = he.CLOSED_OWNER if talk.owner or talk.form.intent in _OWNERS else he.CLOSED
    return _done(talk, closed if talk.reachable else he.CLOSED_NO_NUMBER)


def _done(talk: Talk, remark: str) -> Talk:
    return Talk(talk.number, talk.form, talk.skipped, "done", remarks=(remark,), owner=talk.owner)


def _next(talk: Talk, remarks: tuple[str, ...]) -> Talk:
    """The state with the next missing detail as its question. After the summary none is asked for."""
    missing = (d for d in _DETAILS if getattr(talk.form, d) is None and d not in talk.skipped)
    detail = None if talk.question in ("confirm", "fix", "done") else next(missing, None)
    if detail == "phone" and not talk.number:
        remarks = (*remarks[: _MOST_REMARKS - 1], he.NUMBER_HIDDEN)
    asking = {
        "phone": "callback" if talk.number else "phone",
        "intent": "offer" if talk.owner else "intent",
    }
    question = asking.get(detail, detail) if detail else "confirm"
    return replace(talk, question=question, misses=0, remarks=remarks[:_MOST_REMARKS], wording=0)


def _remarks(talk: Talk, new: Form) -> tuple[str, ...]:
    """The new details, repeated, so that the caller can correct them in time."""
    old = talk.form
    changed = {detail for detail in _DETAILS if getattr(old, detail) != getattr(new, detail)}
    remarks = []
    flat = changed & _FLAT_DETAILS
    if flat:
        noted = _described(Form(**{detail: getattr(new, detail) for detail in flat}), new.intent)
        corrected = any(getattr(old, detail) is not None for detail in flat)
        known = sum(getattr(new, detail) is not None for detail in _FLAT_DETAILS)
        template = he.CORRECTED if corrected else he.ACKNOWLEDGED[known % len(he.ACKNOWLEDGED)]
        remarks.append(template.format(noted=noted))
    if "name" in changed:
        remarks.append(he.GREETED.format(name=new.name))
    if "phone" in changed and new.phone:
        this = new.phone == talk.number
        remarks.append(he.NUMBER_THIS if this else he.NUMBER_OTHER.format(number=dictated(new.phone)))
    return tuple(remarks)


def _lead(form: Form) -> SaveLead | None:
    """The known details as text with figures; None if none is known."""
    details = {
        "name": form.name,
        "phone": form.phone,
        "intent": he.INTENT[form.intent] if form.intent else None,
        "city": form.city,
        "rooms": f"{form.rooms:g}" if form.rooms else None,
        "budget": str(form.budget) if form.budget else None,
    }
    known = tuple((detail, text) for detail, text in details.items() if text)
    return SaveLead(known) if known else None


def _described(form: Form, intent: Intent | None) -> str:
    """The known details in words: ``דירת שלושה חדרים לקנייה בתל אביב, עד שני מיליון שקל, על שם דנה``.

    ``intent``: decides whether the amount is a budget or a price, even if the form has no intent.
    """
    rooms = say_rooms(form.rooms) if form.rooms else ""
    words = (
        [he.FLAT_OF.format(rooms=rooms) if rooms else he.FLAT] if form.intent else [rooms] if rooms else []
    )
    words += [he.FOR[form.intent]] if form.intent else []
    if form.city:
        words.append(he.IN_CITY.format(city=form.city) if words else form.city)
    parts = [" ".join(words)] if words else []
    price = he.ASKING if intent in _OWNERS else he.UP_TO
    parts += [price.format(budget=say_shekels(form.budget))] if form.budget else []
    parts += [he.BY_NAME.format(name=form.name)] if form.name else []
    return ", ".join(parts)


def _spoken(talk: Talk) -> str:
    sentences = list(talk.remarks)
    if any(talk.remarks == (he.TOPICS[topic],) for topic in he.WITHOUT_QUESTION):
        return " ".join(sentences)
    if talk.question in he.ASK:
        ways = he.ASK_OWNER.get((talk.question, talk.form.intent or ""), he.ASK[talk.question])
        summary = _described(talk.form, talk.form.intent) or he.NOTHING_NOTED
        sentences.append(ways[min(talk.wording, len(ways) - 1)].replace("{summary}", summary))
    elif talk.remarks in ((he.AFTER_CLOSED,), (he.AFTER_CLOSED_NO_NUMBER,)):
        sentences.append(he.ASK_MORE)
    return " ".join(sentences)


def _recall(talk: Talk, agent_text: str) -> Talk:
    """Restores question and details from the agent's own line when the history begins in mid-call."""
    sentences = split_sentences(agent_text)
    question = _questions().get(sentences[-1]) if sentences else None
    if question and question != talk.question:
        talk = replace(talk, question=question, misses=0)
    for sentence in sentences:
        if sentence.endswith("?") or any(fixed.startswith(sentence) for fixed in _fixed_sentences()):
            continue
        found, form = understand(sentence, ""), talk.form
        own = next((intent for intent, words in _OWN_WORDS.items() if words in sentence.split()), None)
        talk = replace(
            talk,
            form=replace(
                form,
                intent=form.intent or own,
                city=form.city or found.city,
                rooms=form.rooms or found.rooms,
                budget=form.budget or found.budget,
            ),
        )
    return talk


@cache
def _questions() -> dict[str, str]:
    """The last sentence of every wording, in every gender → its question."""
    return {
        split_sentences(form)[-1]: question
        for question, ways in _all_ways()
        for way in ways
        for form in forms_of(way)
    }


@cache
def _fixed_sentences() -> tuple[str, ...]:
    texts = [way for _, ways in _all_ways() for way in ways] + list(he.TOPICS.values())
    return tuple(sentence for text in texts for form in forms_of(text) for sentence in split_sentences(form))


def _all_ways() -> list[tuple[str, tuple[str, ...]]]:
    return [*he.ASK.items(), *((question, ways) for (question, _), ways in he.ASK_OWNER.items())]
