"""A host's functions: their parameters, their results, and how failures show (newcomer 5, 10)."""

import asyncio
import functools
import logging
import threading
from dataclasses import dataclass
from unittest.mock import AsyncMock, Mock

import pytest

from server.app import Call, EndCall, Gender, Line, Reply, SaveLead, Speaker, Transfer
from server.providers.base import ProviderError, ReplyRequest
from server.providers.deadlines import BoundedStream
from server.providers.host_function import ASR, RESPOND, SYNTH, HostFunction
from server.providers.host_functions import HostLlm, HostStt, HostTts
from server.providers.reply.spoken import SpokenReply
from server.turns.effects import PhoneCall
from tests.logs.modes import log_transcripts
from tests.simtime.runtime import SimRuntime
from tests.wording import OURS

HEARD = (Line(Speaker.AGENT, "שלום!"), Line(Speaker.CALLER, "רגע", interrupted=True))
REQUEST = ReplyRequest(
    "שאלה", HEARD, 2, "warm", 10, 200, caller=Gender.FEMININE, person=True, call=PhoneCall("CA1", "+97250")
)
STYLE = {"target_style": "warm", "min_chars": 10, "max_chars": 200}
CALL = Call("+97250", "CA1", HEARD, Gender.FEMININE, 2, True)
LEAD = SaveLead((("name", "דנה"), ("rooms", "4")))


def asked(respond, request=REQUEST):
    """The text and the acts of a host function's reply, read to its end."""
    reply = HostLlm(respond).respond(request, 30.0)
    return "".join(reply), reply.acts


def spoken(respond, request=REQUEST):
    """The same reply as it reaches the TTS."""
    reply = SpokenReply(HostLlm(respond), request, 30.0)
    return " ".join(filter(None, reply)), reply.acts


# ---- what it takes


class Bot:
    """Methods and callable objects."""

    def method(self, text, call):
        return [text, call]

    def __call__(self, text, *, min_chars):
        return [text, min_chars]


def passes_on(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def gives_a_database(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, db="db", **kwargs)

    return wrapper


def narrows(function):
    @functools.wraps(function)
    def wrapper(text):
        return function(text, call=None)

    return wrapper


def only_text(text):
    return [text]


def with_the_call(text, call):
    return [text, call]


@pytest.mark.parametrize(
    "respond, taken",
    [
        (only_text, ["שאלה"]),
        (lambda utterance: [utterance], ["שאלה"]),
        (lambda text, /: [text], ["שאלה"]),
        (lambda *, text: [text], ["שאלה"]),
        (lambda *words: list(words), ["שאלה"]),
        (lambda text, db="mine": [text, db], ["שאלה", "mine"]),
        (lambda text, call: [text, call], ["שאלה", CALL]),
        (lambda call, text: [text, call], ["שאלה", CALL]),
        (lambda call, words: [words, call], ["שאלה", CALL]),
        (lambda call, text, /: [text, call], ["שאלה", CALL]),
        (lambda text, *, call=None: [text, call], ["שאלה", CALL]),
        (lambda text, target_style, min_chars, max_chars: [text, min_chars], ["שאלה", 10]),
        (lambda text, max_chars=1: [text, max_chars], ["שאלה", 200]),
        (lambda text, **others: [text, others], ["שאלה", STYLE | {"call": CALL}]),
        (lambda text, call, **others: [text, call, others], ["שאלה", CALL, STYLE]),
        (lambda **all_of_it: [all_of_it], [{"text": "שאלה", **STYLE, "call": CALL}]),
        (lambda *words, **others: [*words, others], ["שאלה", STYLE | {"call": CALL}]),
        (Bot().method, ["שאלה", CALL]),
        (Bot(), ["שאלה", 10]),
        (functools.partial(lambda db, text, call: [db, text, call], "db"), ["db", "שאלה", CALL]),
        (functools.partial(lambda text, db: [text, db], db="db"), ["שאלה", "db"]),
        (passes_on(only_text), ["שאלה"]),
        (passes_on(with_the_call), ["שאלה", CALL]),
        (passes_on(lambda call, text: [text, call]), ["שאלה", CALL]),
        (gives_a_database(lambda text, db, call: [text, db, call]), ["שאלה", "db", CALL]),
        (narrows(with_the_call), ["שאלה", None]),
        (str.split, ["שאלה"]),
    ],
)
def test_a_function_gets_what_it_can_take(respond, taken):
    """newcomer 5: only the parameters that it names."""
    function = HostFunction(RESPOND, respond)
    assert function(REQUEST.text, **STYLE, call=CALL) == taken


def test_the_call():
    """newcomer 5: number, CallSid, history, gender, turn, and whether a person is there."""
    seen = []
    asked(lambda text, call: seen.append(call) or "כן")
    assert seen == [CALL]
    with pytest.raises(AttributeError):
        seen[0].number = "another"


async def answers_later(text):
    return "מאוחר"


async def streams_later(text):
    yield "מאוחר"


class AsyncBot:
    async def __call__(self, text):
        return "מאוחר"

    async def method(self, text):
        return "מאוחר"


@pytest.mark.parametrize("role", [ASR, RESPOND, SYNTH], ids=lambda role: role.name)
@pytest.mark.parametrize(
    "function, why",
    [
        (answers_later, "async"),
        (streams_later, "async"),
        (functools.partial(answers_later), "async"),
        (functools.partial(functools.partial(answers_later)), "async"),
        (AsyncBot(), "async"),
        (AsyncBot().method, "async"),
        (AsyncMock(), "async"),
        ("text", "not str"),
        (7, "not int"),
        (b"audio", "not bytes"),
        (lambda: "", "must take"),
        (lambda text, db: "", "'db'"),
        (lambda text, style, low, high: "", "'style'"),
        (lambda text, *, db: "", "'db'"),
        (Bot.method, "'"),
    ],
)
def test_what_cannot_be_called_is_refused_when_it_is_mounted(role, function, why):
    """newcomer 10: the error names the function and the parameters it needs."""
    with pytest.raises(TypeError) as refused:
        HostFunction(role, function)
    assert role.name in str(refused.value) and why in str(refused.value)
    assert not callable(function) or "async" in why or role.takes in str(refused.value)


@pytest.mark.parametrize("make", [HostLlm, HostTts, lambda f: HostStt(SimRuntime(), f)])
def test_each_of_the_three_is_looked_at(make):
    """newcomer 10."""
    with pytest.raises(TypeError):
        make(answers_later)
    with pytest.raises(TypeError):
        make(lambda: None)


def test_stt_and_voice_take_one_thing_only():
    """They get no other parameter, whatever its name."""
    assert HostFunction(ASR, lambda audio: audio)(b"12", call=CALL) == b"12"
    assert HostFunction(SYNTH, lambda words, **others: others)("שלום", call=CALL) == {}
    with pytest.raises(TypeError):
        HostFunction(SYNTH, lambda text, call: b"")


# ---- what it gives


@dataclass
class Stream:
    """Pieces from a library's stream, which has a ``close`` of its own."""

    pieces: list
    closed: int = 0

    def __iter__(self):
        return iter(self.pieces)

    def close(self):
        self.closed += 1


def generated(*pieces):
    yield from pieces


@pytest.mark.parametrize(
    "answer, text, acts",
    [
        ("כן.", "כן.", ()),
        (Reply("כן."), "כן.", ()),
        (Reply("כן.", acts=[LEAD, EndCall()]), "כן.", (LEAD, EndCall())),
        (Reply("כן.", acts=(Transfer(),)), "כן.", (Transfer(),)),
        (Reply("כן.", acts=EndCall()), "כן.", (EndCall(),)),
        (Reply("כן.", acts=[EndCall]), "כן.", (EndCall(),)),
        (Reply("כן.", acts=None), "כן.", ()),
        (Reply(generated("כ", "ן."), [LEAD]), "כן.", (LEAD,)),
        (generated("כ", None, "", "ן."), "כן.", ()),
        (generated(LEAD, "כ", EndCall(), "ן."), "כן.", (LEAD, EndCall())),
        (generated("כ", Reply("ן.", [LEAD])), "כן.", (LEAD,)),
        (Stream(["כ", "ן."]), "כן.", ()),
        (["כ", "ן."], "כן.", ()),
        (("כן.", [EndCall()]), "כן.", (EndCall(),)),
        (iter(["כן."]), "כן.", ()),
        (Reply("כן.", SaveLead({"name": "דנה", "rooms": 4})), "כן.", (LEAD,)),
        (Reply("כן.", SaveLead([("name", "דנה"), ("rooms", 4), ("city", None)])), "כן.", (LEAD,)),
    ],
)
def test_what_a_function_may_give(answer, text, acts):
    """newcomer 5: text, a reply with acts, or a stream of either."""
    assert asked(lambda _: answer) == (text, acts)


def test_a_lead_that_reads_well():
    assert SaveLead.of(name="דנה", rooms=4, city=None) == LEAD


@pytest.mark.parametrize(
    "acts, person, line",
    [
        ([EndCall()], True, OURS.wordless_goodbye),
        ([LEAD, EndCall()], False, OURS.wordless_goodbye),
        ([Transfer()], True, OURS.wordless_hand_over),
        ([LEAD], True, OURS.wordless_noted),
    ],
)
@pytest.mark.parametrize("text", ["", None, " \n", "."])
def test_acts_without_words_get_a_prompt(acts, person, line, text):
    """The call does not end in silence."""
    request = ReplyRequest("שאלה", (), 1, "", 0, 100, person=person)
    said, done = spoken(lambda _: Reply(text, acts), request)
    assert (said, done) == (line, tuple(acts))


def test_a_transfer_without_a_person_is_left_to_the_call():
    """F3: the turn logic says that nobody is there, and takes a message."""
    request = ReplyRequest("שאלה", (), 1, "", 0, 100, person=False)
    assert spoken(lambda _: Reply(acts=[Transfer()]), request) == ("", (Transfer(),))


@pytest.mark.parametrize(
    "answer", [None, "", "  ", Reply(), Reply(None), [], generated(), generated(None, "")]
)
def test_an_empty_answer_is_a_failed_one(answer):
    """G2: the caller hears a prompt."""
    with pytest.raises(ProviderError, match="nothing to say"):
        asked(lambda _: answer)


def test_the_rest_of_a_reply_may_be_empty():
    """D4: and "…" is a valid answer (A7)."""
    assert asked(lambda _: "", ReplyRequest("שאלה", (), 1, "", 0, 100, said="כן.")) == ("", ())
    assert asked(lambda _: "…") == ("…", ())


@pytest.mark.parametrize(
    "answer, name",
    [
        (7, "int"),
        (b"text", "bytes"),
        ({"text": "כן"}, "dict"),
        ({"כן"}, "set"),
        (object(), "object"),
        (["כן", 7], "int"),
        (generated("כן", b"!"), "bytes"),
        (Reply(7), "int"),
        (Reply("כן", ["EndCall"]), "str"),
        (Reply("כן", 7), "int"),
        (Reply("כן", "EndCall"), "str"),
        (Reply("כן", SaveLead("דנה")), "SaveLead"),
        (Reply("כן", SaveLead(7)), "SaveLead"),
        (Mock(), "Mock"),
    ],
)
def test_what_is_no_answer(answer, name, caplog):
    """newcomer 10: the type is named, once, at ERROR."""
    llm = HostLlm(lambda _: answer)
    with pytest.raises(ProviderError, match=name):
        list(llm.respond(REQUEST, 30.0))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("LLM_ERR: host respond: ") and name in record.getMessage()


@pytest.mark.filterwarnings("error")
def test_a_coroutine_that_was_not_seen_at_mount():
    """newcomer 10: and it is awaited or closed."""
    with pytest.raises(ProviderError, match="coroutine"):
        asked(lambda text: answers_later(text))
    with pytest.raises(ProviderError, match="async_generator"):
        asked(lambda text: streams_later(text))
    assert asked(lambda text: asyncio.run(answers_later(text))) == ("מאוחר", ())


# ---- streams that nobody reads any more


def test_a_stream_is_closed_at_its_end():
    stream = Stream(["כן."])
    asked(lambda _: stream)
    assert stream.closed == 1


def test_a_stream_that_is_cancelled_is_closed():
    """Its resources, such as a request to a model, are released at once."""
    runtime = SimRuntime()
    given, ended = [], []

    def respond(text):
        try:
            for number in range(1000):
                given.append(number)
                yield f"מילה {number} "
                runtime.event().wait(0.1)
        finally:
            ended.append(runtime.now)

    reply = HostLlm(respond).respond(REQUEST, 30.0)
    bounded = BoundedStream(runtime, "llm", reply, first_s=None, next_s=None)
    runtime.spawn("reader", lambda: list(bounded))
    runtime.call_at(0.55, bounded.cancel)
    runtime.run_until(2)
    assert len(given) < 10 and ended == [pytest.approx(0.6, abs=0.11)]
    assert runtime.alive() == []


def test_a_function_that_returns_behind_its_cancel():
    """The stream is closed without being read."""
    stream = Stream(["כן."])
    reply = None

    def respond(text):
        reply.cancel()
        return stream

    reply = HostLlm(respond).respond(REQUEST, 30.0)
    assert (list(reply), stream.closed) == ([], 1)


def test_a_stream_that_cannot_be_closed(caplog):
    class Broken(Stream):
        def close(self):
            raise OSError("gone")

    assert asked(lambda _: Broken(["כן."])) == ("כן.", ())
    assert "could not be closed" in caplog.text and "OSError: gone" in caplog.text


# ---- how its failures show


def fails(text):
    return {}["db"]


def fails_in_mid_stream(text):
    yield "כן."
    raise KeyError("db")


@pytest.mark.parametrize("respond", [fails, fails_in_mid_stream])
def test_a_failure_is_in_the_log_with_its_traceback(respond, caplog):
    """newcomer 10."""
    with pytest.raises(ProviderError, match="KeyError: 'db'"):
        asked(respond)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "LLM_ERR: host respond: KeyError: 'db'")
    assert f"in {respond.__name__}" in caplog.text and "Traceback" in caplog.text


def test_the_stt_and_the_voice_likewise(caplog):
    with pytest.raises(ProviderError, match="ZeroDivisionError"):
        list(HostTts(lambda text: 1 / 0).synthesize("שלום", 30.0))
    with pytest.raises(ProviderError, match="ZeroDivisionError"):
        list(finished(lambda pcm16: 1 / 0))
    with pytest.raises(ProviderError, match="gave int"):
        list(finished(lambda pcm16: 7))
    with pytest.raises(ProviderError, match="gave NoneType for audio"):
        list(HostTts(lambda text: None).synthesize("שלום", 30.0))
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert said == [
        "TTS_ERR: host synth: ZeroDivisionError: division by zero",
        "ASR_ERR: host asr: ZeroDivisionError: division by zero",
        "ASR_ERR: host asr: gave int, not text",
        "TTS_ERR: host synth: gave NoneType for audio: synth returns bytes of PCM16 8 kHz or WAV",
    ]
    assert caplog.text.count("Traceback") == 2


def finished(asr):
    recognition = HostStt(SimRuntime(), asr).start(None, 1, 60.0)
    recognition.finish()
    return recognition


def test_an_asr_that_hears_nothing_says_so_once(caplog):
    """newcomer 10: None counts as an empty transcript, and is reported."""
    stt = HostStt(SimRuntime(), lambda pcm16: None)
    for _ in range(5):
        recognition = stt.start(None, 1, 60.0)
        recognition.finish()
        assert [heard.text for heard in recognition] == [""]
    assert [record.getMessage() for record in caplog.records] == [
        "ASR_ERR: host asr: gave None: taken for a caller who has said nothing"
    ]


def test_each_failure_once_a_minute(caplog):
    """newcomer 10: the same type at the same place is one failure, whatever its text."""
    now, what = [0.0], ["a"]

    def respond(text):
        if what[0] == "b":
            raise ValueError(now)
        raise ValueError(now[0])

    function = HostFunction(RESPOND, respond, lambda: now[0])
    for now[0], what[0] in (
        (0.0, "a"),
        (1.0, "a"),
        (2.0, "b"),
        (59.0, "a"),
        (61.0, "a"),
        (61.5, "b"),
        (62.5, "b"),
    ):
        with pytest.raises(ProviderError), function.failures_told():
            function("שאלה", **STYLE, call=CALL)
    assert [record.getMessage().split()[-1] for record in caplog.records] == [
        "0.0",
        "[2.0]",
        "61.0",
        "[62.5]",
    ]


@pytest.mark.parametrize("mode, hidden", [("redacted", ["0501234567"]), ("off", ["0501234567", "דנה"])])
def test_what_a_failure_quotes_of_a_caller(mode, hidden, caplog, monkeypatch):
    """LOG_TRANSCRIPTS holds for the traceback of a host's function too."""
    monkeypatch.setattr(logging.getLogger("agent"), "filters", [])

    def respond(text):
        raise LookupError(f"no {text}")

    with log_transcripts(mode), pytest.raises(ProviderError):
        asked(respond, ReplyRequest("דנה 0501234567", (), 1, "", 0, 100))
    assert "in respond" in caplog.text and "LookupError" in caplog.text
    assert not [text for text in hidden if text in caplog.text]


def test_a_host_may_say_itself_that_it_failed(caplog):
    """A host's own ProviderError gives one line without a traceback, and may be retried."""

    def respond(text):
        raise ProviderError("the database is away", retryable=True)

    with pytest.raises(ProviderError) as failed:
        asked(respond)
    assert failed.value.retryable
    assert [record.exc_info for record in caplog.records] == [None]


def test_several_calls_at_once():
    """Any thread: two replies of one function share nothing."""
    meet = threading.Barrier(2, timeout=10)

    def respond(text, call):
        yield SaveLead.of(name=call.call_sid)
        meet.wait()
        yield text

    llm, replies = HostLlm(respond), {}

    def ask(sid):
        reply = llm.respond(ReplyRequest(sid, (), 1, "", 0, 9, call=PhoneCall(sid, "")), 30.0)
        replies[sid] = ("".join(reply), reply.acts)

    threads = [threading.Thread(target=ask, args=(sid,)) for sid in ("CA1", "CA2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert replies == {sid: (sid, (SaveLead.of(name=sid),)) for sid in ("CA1", "CA2")}
