"""Privacy: what of a caller is written to a log, by LOG_TRANSCRIPTS, and that no secret ever is."""

import io
import json
import logging
import re
import time
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from pydantic import SecretStr
from simple_websocket import ConnectionClosed

from server.config import Config
from server.logs.call_log import CallLog
from server.logs.events import hide_private, log
from server.logs.redaction import MAX_COMPLAINT_CHARACTERS, Complaint, PrivateText
from server.logs.secrets import SecretsFilter
from server.providers.base import ProviderError
from server.providers.embedded.stt.recogniser import build_grammar, hebrew_lexicon
from server.settings.secret_texts import secrets_of
from server.turns.actions import Log
from tests.logs.modes import config, log_transcripts
from tests.simtime.call import SimCall
from tests.simtime.line import Sound

IDENTITY, CARD, PHONE, KEYED = "123456782", "4580 1234 5678 9015", "052-1234567", "204567895"
SAID = [
    f"תעודת הזהות שלי {IDENTITY}",
    f"הכרטיס הוא {CARD}",
    f"תחזרו אליי ל-{PHONE}",
    "אפס חמש ארבע שבע שבע שבע שמונה תשע אפס אחת",
]
SOUNDS = [Sound(start, 1.5) for start in (3.0, 12.0, 19.6, 30.0)]  # the third over our answer to the second
KEYS = [(41.0 + 0.2 * number, key) for number, key in enumerate(f"{KEYED}#")]
KEY = "sk-proj-0123456789abcdef"


def private_call(mode, **scene):
    """A caller who says and types all there is to say, to an agent that says it again."""
    scene = {"stt": SAID, "reply": lambda request: f"רשמתי {request.text}. עוד משהו?", **scene}
    return SimCall(SOUNDS, keys=KEYS, knobs={"log_transcripts": mode}, **scene).run(52)


def words_logged(call):
    return [line for line in call.log if line.startswith(("ASR_TEXT:", "AGENT_TEXT:"))]


@contextmanager
def logged():
    """The lines of our logger meanwhile."""

    class Lines(logging.Handler):
        def emit(self, record):
            written.append(record.getMessage())

    written, logger, handler = [], logging.getLogger("agent"), Lines()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield written
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def figures(lines):
    return re.sub(r"[^0-9]", "", " ".join(lines))


def test_full_transcripts_are_whole():
    """LOG_TRANSCRIPTS=full: every word and key, as a developer asks for on a machine of his own."""
    call = private_call("full")
    for said in (*SAID, KEYED):
        assert call.lines(f"ASR_TEXT: {said} sid=MZ1")
    assert call.lines("AGENT_TEXT: רשמתי הכרטיס הוא 4580 1234 5678 sid=MZ1")  # cut short by the caller
    assert call.lines(f"AGENT_TEXT: רשמתי תחזרו אליי ל-{PHONE}.")


def test_redacted_transcripts_keep_the_words_and_not_the_numbers():
    """LOG_TRANSCRIPTS=redacted: neither what the caller says and types, nor what the agent says again."""
    call = private_call("redacted")
    assert call.lines("ASR_TEXT: תעודת הזהות שלי [id] sid=MZ1")
    assert call.lines("ASR_TEXT: הכרטיס הוא [card] sid=MZ1")
    assert call.lines("ASR_TEXT: תחזרו אליי ל-[phone] sid=MZ1")
    assert call.lines("ASR_TEXT: [phone] sid=MZ1")
    assert call.lines("ASR_TEXT: [id] sid=MZ1")
    assert call.lines("AGENT_TEXT: רשמתי הכרטיס הוא [digits] sid=MZ1")  # cut short by the caller
    assert call.lines("AGENT_TEXT: רשמתי תחזרו אליי ל-[phone].")
    assert "שבע" not in " ".join(call.log)
    logged = figures(words_logged(call))
    for number in (IDENTITY, CARD, PHONE, KEYED):
        digits = figures([number])
        assert not any(digits[at : at + 4] in logged for at in range(len(digits) - 3))


def test_without_transcripts_only_their_length_is_known():
    """LOG_TRANSCRIPTS=off: not a word; the lines themselves stay, so that a call can be followed."""
    call = private_call("off")
    assert len(words_logged(call)) >= 2 * len(SAID)
    assert all(re.fullmatch(r"A\w+_TEXT: \(\d+ words?\) sid=MZ1", line) for line in words_logged(call))
    assert not re.search("[א-ת]", " ".join(call.log))


def test_the_default_is_redacted():
    """Who sets nothing keeps nobody's number."""
    assert Config.model_fields["log_transcripts"].default == "redacted"


@pytest.mark.parametrize("mode", ["redacted", "off"])
def test_a_provider_that_quotes_the_caller_does_not_tell(mode):
    """G2: STT and mind that complain of the very words: the reason stays, the number does not."""
    quote = f"bad input: 'תעודת הזהות {IDENTITY}'"
    call = SimCall(
        SOUNDS[:2],
        stt=[ProviderError(quote), "שלום לך"],
        reply=lambda request: ProviderError(quote),
        knobs={"log_transcripts": mode},
    )
    call.run(20)
    reason = "bad input: 'תעודת הזהות [id]'" if mode == "redacted" else "…"
    assert call.lines(f"ASR_ERR: sim: {reason} sid=MZ1")
    assert call.lines(f"LLM_ERR: sim: {reason} sid=MZ1")
    ours = [line for line in call.log if "sid=" in line]
    assert IDENTITY not in " ".join(ours)
    assert mode == "redacted" or not re.search("[א-ת]", " ".join(ours))


@pytest.mark.parametrize(
    "mode, text, logged",
    [
        ("full", "0521234567", "0521234567"),
        ("redacted", "תתקשרו ל-0521234567", "תתקשרו ל-[phone]"),
        ("off", "תתקשרו אליי מחר", "(3 words)"),
        ("off", "1", "(1 word)"),
        ("off", "", "(0 words)"),
    ],
)
def test_words_in_a_line(mode, text, logged):
    """One line in each mode."""
    assert PrivateText(mode).words(text) == logged


DIGITS_BY_TURNS = ["אפס חמש שתיים", "אחת שתיים שלוש", "ארבע חמש שש שבע"]


def logged_words(mode, *lines):
    """What a call's log holds of ``ASR_TEXT:`` and ``AGENT_TEXT:`` lines, one behind the other."""
    call = CallLog(mode)
    with logged() as written:
        for line, words in lines:
            call.of_the_core(Log(f"{line}_TEXT:", words))
    return [entry.partition("_TEXT: ")[2].partition(" sid=")[0] for entry in written]


def by_turns(*words):
    return logged_words("redacted", *(("ASR", said) for said in words))


def test_a_number_that_is_dictated_over_several_turns_is_not_kept():
    """What brings the digits to seven goes, and what follows it."""
    assert by_turns(*DIGITS_BY_TURNS) == ["אפס חמש שתיים", "אחת שתיים שלוש", "[phone]"]
    assert by_turns("אפס", "חמש", "שתיים", *"1234", "5 6 7 תודה")[-2:] == ["[digits]", "[phone] תודה"]
    assert by_turns("הנייד שלי 052", "אז 123", "4567 בבקשה")[-1] == "[phone] בבקשה"
    assert by_turns("אחת שתיים שלוש", "רגע, ארבע חמש שש", "שבע שמונה שתיים")[-1] == "[id]"


def test_what_the_agent_says_does_not_end_a_dictation():
    """It says "yes" behind each group."""
    first, second, third = DIGITS_BY_TURNS
    lines = [("ASR", first), ("AGENT", "כן."), ("ASR", second), ("AGENT", "כן, 3 ועוד?"), ("ASR", third)]
    assert logged_words("redacted", *lines) == [first, "כן.", second, "כן, 3 ועוד?", "[phone]"]
    assert logged_words("full", *lines)[-1] == third


def test_a_secret_that_is_announced_in_one_turn_and_told_in_the_next_is_not_kept():
    """F15, kind 26: the word that announces it is remembered, and so is what was told of it."""
    assert by_turns("הקוד לאזעקה הוא", "ארבע ארבע אחת שבע") == ["הקוד לאזעקה הוא", "[digits]"]
    assert by_turns("הקוד הוא ארבע ארבע", "אחת שבע")[-1] == "[digits]"
    assert by_turns("מה הקוד שקיבלתי", "רגע", "אני מחפשת", "4417 תודה")[-1] == "[digits] תודה"
    assert by_turns("הקוד", "רגע", "אני מחפשת", "שנייה", "לא מוצאת", "1948")[-1] == "1948"
    told = ["הקוד הוא 4417", "הדירה ברחוב הרצל", "45 קומה 3", "6500 שקל"]
    assert by_turns(*told) == ["הקוד הוא [digits]", *told[1:]]
    assert by_turns("שכחתי את הקוד", "3 חדרים") == ["שכחתי את הקוד", "3 חדרים"]


@pytest.mark.parametrize(
    "question, answer, kept",
    [
        ("מה הקוד שקיבלת?", "4417", "[digits]"),
        ("אפשר את שלוש הספרות בגב הכרטיס?", "כן, ארבע אחת שבע", "כן, [digits]"),
        ("מה הסיסמה?", "ארנב כחול", "[secret]"),
        ("מה הסיסמה?", "אני לא זוכרת", "אני לא זוכרת"),
        ("ומה התוקף?", "אפריל עשרים ושמונה", "[digits]"),
        ("כמה חדרים?", "417", "417"),
    ],
)
def test_the_answer_to_our_own_question_for_a_secret_is_not_kept(question, answer, kept):
    """Kind 26: our question announces it as well as the caller's words."""
    assert logged_words("redacted", ("AGENT", question), ("ASR", answer))[-1] == kept


def test_answers_with_a_number_are_no_dictation():
    """Precision: rooms, floors, prices, and a number that stays alone."""
    for answers in (
        ["שלוש", "ארבע", "שתיים", "חמש", "שלוש", "ארבע", "שתיים", "חמש"],
        ["אפס חמש שתיים", "אני רוצה דירה", "ארבע חמש שש שבע"],
        ["שלוש ארבע", "קומה שתיים", "עד 6500", "120 מטר", "1998"],
    ):
        assert by_turns(*answers) == answers
    assert by_turns("תחזרו ל-0521234567", "שלושה חדרים", "עד 6500") == [
        "תחזרו ל-[phone]",
        "שלושה חדרים",
        "עד 6500",
    ]


@pytest.mark.parametrize(
    "text, redacted, off",
    [
        ('said: "my name is Dan Cohen"', 'said: "my name is Dan Cohen"', "…"),
        (r'bad: {"text":"\u05d0\u05e4"}', 'bad: {"text":"אפ"}', "…"),
        (f"{json.dumps(' '.join(DIGITS_BY_TURNS))}", '"[phone]"', "…"),
        (f"x={quote(SAID[3])}", "x=[phone]", "…"),
        ("x=%D7%90%D7%A4%D7%A1", "x=אפס", "…"),
        ("HTTP 503 at http://h/?q=0521234567", "HTTP 503 at http://h/?…", "…503…http://h/?…"),
        ("http://h/v1?a=1&name=דני b", "http://h/v1?… b", "http://h…"),
        ("at http://h/0521234567", "at http://h/[phone]", "…http://h…"),
        ("http://0521234567/", "http://[phone]/", "…"),
        ("052.123.45.67", "[phone]", "…"),
        ("10.0.0.1:443 refused", "10.0.0.1:443 refused", "10.0.0.1:443…"),
        ("ReadTimeout after 30 s", "ReadTimeout after 30 s", "ReadTimeout…30 s"),
        ("RESOURCE_EXHAUSTED: דני", "RESOURCE_EXHAUSTED: דני", "RESOURCE_EXHAUSTED…"),
    ],
)
def test_a_complaint_in_a_line(text, redacted, off):
    """G2: "off" keeps who complains, kinds, codes and hosts, whatever the words are written in."""
    complaint = Complaint(("sim", text), ("scripted", "down"))
    assert PrivateText("redacted").cause(text) == redacted
    assert PrivateText("redacted").cause(complaint) == f"sim: {redacted}; scripted: down"
    assert PrivateText("off").cause(text) == off
    assert PrivateText("off").cause(complaint) == f"sim: {off}; scripted: …"
    assert PrivateText("full").cause(complaint) == complaint == f"sim: {text}; scripted: down"


@pytest.mark.parametrize("mode", ["full", "redacted", "off"])
def test_a_complaint_of_any_length_is_cut_and_takes_no_time(mode):
    """A 64 kB word once took seconds, on the thread that logs it."""
    for word in ("a", "1.", "a.", "://", "a@", "x://", "?=", "aB", "A_"):
        began = time.thread_time()
        shown = PrivateText(mode).cause(word * (64_000 // len(word)))
        assert time.thread_time() - began < 1.0
        assert len(shown) <= MAX_COMPLAINT_CHARACTERS


def test_a_message_of_several_lines_is_cleaned_whole(agent_log):
    """Behind a traceback, indented as services write their JSON."""
    logger, written = agent_log
    hide_private(config(log_transcripts="off"))
    message = 'refused: {\n  "text": "my name is Dan"\n}'
    try:
        raise ProviderError(message)
    except ProviderError:
        logger.exception("RX_ERR sid=MZ1")
    assert "Dan" not in written.getvalue()
    assert "ProviderError" in written.getvalue() and "  File " in written.getvalue()


# ---- one line is one line -----------------------------------------------------------------------


def test_a_peer_forges_no_line():
    """Its streamSid, its close reason, an unknown event's name: one line each, of what can be read."""
    call = CallLog("redacted")
    with logged() as written:
        call.sid = "MZ1\nWS_DONE sid=MZ2\x1b[2J\u2028" + "x" * 1000
        call.line("WS_CLOSED bye\r\nWS_START sid=MZ9", "a\nb")
        call.ignored("event \n" + "y" * 100_000)
        call.of_the_core(Log("ASR_TEXT:", "שלום\nASR_TEXT: כן\ud800"))
    assert len(written) == 3
    assert all(line.isprintable() and len(line) < 4200 for line in written)
    assert written[0].startswith("WS_CLOSED bye  WS_START sid=MZ9 sid=MZ1 WS_DONE")
    assert written[0].endswith("xx… a b")


def test_a_close_reason_and_a_stream_sid_with_line_ends_make_no_line_of_their_own():
    """The same through the socket of a whole call."""
    start = {"event": "start", "start": {"streamSid": "MZ1\nFORGED", "callSid": "CA1"}}
    messages = [json.dumps({**start, "streamSid": "MZ1\nFORGED"}), json.dumps({"event": "x\nFORGED"})]
    call = SimCall([])

    def receive(timeout=None):
        if not messages:
            raise ConnectionClosed(1000, "bye\r\nFORGED sid=MZ9")
        return messages.pop(0)

    call.line.receive = receive
    call.run(2)
    assert call.lines("WS_START sid=MZ1 FORGED")
    closed = [line for line in call.log if line.startswith("WS_CLOSED")]
    assert len(closed) == 1 and "bye  FORGED sid=MZ9" in closed[0]
    assert all(line.isprintable() for line in call.log)


@pytest.mark.parametrize(
    "caller, redacted, off",
    [
        ("+972521234567", "…4567", "(hidden)"),
        ("052-1234567", "…4567", "(hidden)"),
        ("anonymous", "anonymous", "(hidden)"),
        ("sip:dani@example.com", "(hidden)", "(hidden)"),
        ("client:dani", "(hidden)", "(hidden)"),
        ("12345", "(hidden)", "(hidden)"),
        ("", "", ""),
    ],
)
def test_a_number_in_a_line(caller, redacted, off):
    """Its last digits find a call in a log; they tell nobody whose it is."""
    assert PrivateText("redacted").number(caller) == redacted
    assert PrivateText("off").number(caller) == off
    assert PrivateText("full").number(caller) == caller


# ---- secrets ------------------------------------------------------------------------------------


@pytest.fixture
def agent_log():
    """Our logger without anybody's handlers and filters, and what a handler of its own wrote."""
    logger = logging.getLogger("agent")
    before = (logger.handlers[:], logger.filters[:], logger.level, logger.propagate)
    written = io.StringIO()
    logger.handlers[:], logger.filters[:] = [logging.StreamHandler(written)], []
    logger.setLevel(logging.DEBUG)
    yield logger, written
    hide_private(config())
    logger.handlers[:], logger.filters[:], logger.level, logger.propagate = before


def hiding(*secrets):
    secrets_filter = SecretsFilter()
    secrets_filter.hide(frozenset(secrets))
    return secrets_filter


def raise_with_key():
    try:
        raise ValueError(f"401 for Bearer {KEY}")
    except ValueError as cause:
        raise ProviderError(f"refused: {KEY}") from cause


def test_a_secret_in_an_exception_and_in_its_cause_is_not_logged(agent_log):
    """``log.exception``: the message, the traceback, and the exception that it came from."""
    logger, written = agent_log
    hide_private(config(openai_api_key=SecretStr(KEY)))
    try:
        raise_with_key()
    except ProviderError as error:
        logger.exception("ENGINE_ERR %s", error)
    assert KEY not in written.getvalue()
    assert written.getvalue().count("(hidden)") == 3
    assert "Traceback" in written.getvalue()
    assert "direct cause" in written.getvalue()


@pytest.mark.parametrize("secret", [KEY, f"  {KEY}", f"{KEY},AC-second-token-9", f"AC-first,{KEY}"])
def test_every_part_of_a_secret_is_one(agent_log, secret):
    """A knob may hold two keys while one replaces the other, and blanks around them."""
    logger, written = agent_log
    hide_private(config(openai_api_key=SecretStr(secret)))
    logger.error("ENGINE_ERR %s: %r", KEY, {"header": f"Bearer {KEY}"})
    assert written.getvalue() == "ENGINE_ERR (hidden): {'header': 'Bearer (hidden)'}\n"


def test_the_password_of_a_url_is_a_secret_by_itself(agent_log):
    """A store's own error names the password and not the URL; as it is written there, or as it is."""
    logger, written = agent_log
    url = SecretStr("redis://user:p%40ss-word@cache.example.com:6379/0")
    hide_private(config(redis_url=url))
    logger.error("LEDGER_ERR: p@ss-word and p%40ss-word refused by cache.example.com")
    assert written.getvalue() == "LEDGER_ERR: (hidden) and (hidden) refused by cache.example.com\n"


def test_every_secret_knob_is_hidden():
    """Also one that is added later: they are found by their type."""
    secret_knobs = [name for name, field in Config.model_fields.items() if field.annotation is SecretStr]
    assert {"openai_api_key", "redis_url"} <= set(secret_knobs)
    hashed = f"$argon2id$v=19$m=64,t=1,p=1${'s' * 22}${'h' * 43}"
    values = {name: f"value-of-{name}" for name in secret_knobs} | {
        "pages_password_hash": hashed,
        "redis_url": "redis://:value-of-redis_url@h:1/0",
        "database_url": "postgres://u:value-of-database_url@h/d",
        "leads_webhook_url": "https://u:value-of-leads_webhook_url@h/leads",
        "smtp_url": "smtp://u:value-of-smtp_url@h:587",
    }
    found = secrets_of(config(**{name: SecretStr(value) for name, value in values.items()}))
    assert found >= {hashed, *(f"value-of-{name}" for name in secret_knobs if name != "pages_password_hash")}


def test_a_short_secret_would_hide_everything():
    """ "1" as a key is no key: the lines stay legible."""
    record = logging.makeLogRecord({"msg": "turn=%d none", "args": (1,)})
    assert hiding("1", "none", "").filter(record)
    assert record.getMessage() == "turn=1 none"


def test_a_stack_and_what_was_made_of_it_before_are_cleaned(agent_log):
    """``stack_info`` and a traceback that another handler has already made text of."""
    record = logging.makeLogRecord({"msg": "x", "exc_text": f"Error: {KEY}", "stack_info": f"File {KEY}"})
    assert hiding(KEY).filter(record)
    assert (record.exc_text, record.stack_info) == ("Error: (hidden)", "File (hidden)")


def test_a_line_whose_arguments_do_not_fit_is_cleaned_too(agent_log):
    """logging prints such arguments on standard error."""
    record = logging.makeLogRecord({"msg": "%d of %s", "args": (KEY,)})
    assert hiding(KEY).filter(record)
    assert KEY not in record.getMessage()


def test_a_line_without_a_secret_is_the_hosts_as_ever(agent_log):
    """Structured logging: arguments and the exception itself reach the handlers."""
    try:
        raise ValueError("plain")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.makeLogRecord({"msg": "n=%s", "args": ("7",), "exc_info": info})
    assert hiding(KEY).filter(record)
    assert (record.msg, record.args, record.exc_info, record.exc_text) == ("n=%s", ("7",), info, None)


def test_a_hosts_own_handler_sees_no_secret(agent_log):
    """Mounted in a host: its handler is on the root logger, and formats exceptions itself."""
    logger, _ = agent_log
    logger.handlers[:] = []
    seen = []

    class HostHandler(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())
            seen.append(str(record.exc_info))
            seen.append(self.format(record))

    host = HostHandler()
    logging.getLogger().addHandler(host)
    try:
        hide_private(config(openai_api_key=SecretStr(KEY)))
        try:
            raise_with_key()
        except ProviderError:
            logger.exception("ENGINE_ERR with %s", KEY)
    finally:
        logging.getLogger().removeHandler(host)
    assert len(seen) == 3
    assert KEY not in " ".join(seen)


def test_it_is_installed_once_and_knows_every_config(agent_log):
    """Two applications in a process, or one that is made twice."""
    logger, written = agent_log
    for key in (KEY, KEY, "another-key-entirely"):
        hide_private(config(openai_api_key=SecretStr(key)))
    assert len(logger.filters) == 2  # of callers' words in exceptions, and of secrets
    logger.info("%s another-key-entirely", KEY)
    assert written.getvalue() == "(hidden) (hidden)\n"


def test_a_call_whose_providers_raise_the_key_does_not_log_it(agent_log):
    """G2: STT, LLM and TTS that put the key into what they raise, in a whole call."""
    logger, written = agent_log
    hide_private(config(openai_api_key=SecretStr(KEY)))
    error = ProviderError(f"refused {KEY}")
    error.__cause__ = ValueError(f"Bearer {KEY}")
    replies = iter(["תשובה ארוכה.", *[error] * 5])
    call = SimCall(SOUNDS[:3], stt=[error, "שלום לך", "אז מה"], reply=lambda request: next(replies))
    call.voice.fails = lambda text: (_ for _ in ()).throw(RuntimeError(KEY))
    call.run(30)
    assert call.lines("ASR_ERR:") and call.lines("LLM_ERR:") and call.lines("TTS_ERR:")
    everything = written.getvalue() + " ".join(call.log)
    assert "sk-proj" not in everything and KEY[-6:] not in everything


@pytest.mark.parametrize("mode", ["full", "redacted", "off"])
def test_exceptions_and_complaints_outside_of_a_call_quote_nobody(agent_log, mode):
    """A KeyError of the caller's words, and an engine that is skipped for what it was given."""
    logger, written = agent_log
    hide_private(config(log_transcripts=mode))
    try:
        {}[f"זהות {IDENTITY}"]
    except KeyError:
        logger.exception("CALL_ERR sid=MZ12345678 event=FinalTranscript")
    log.warning(
        "ENGINE_SKIPPED llm sim for 30 s:", cause=f"no 'זהות {IDENTITY}' at http://127.0.0.1:54321/v1"
    )
    lines = written.getvalue()
    assert "CALL_ERR sid=MZ12345678 event=FinalTranscript" in lines
    assert "ENGINE_SKIPPED llm sim for 30 s:" in lines
    assert "http://127.0.0.1:54321" in lines
    assert (IDENTITY in lines) == (mode == "full")
    last = lines.splitlines()[-2:]
    assert bool(re.search("[א-ת]", " ".join(last))) == (mode != "off")


def test_a_lead_is_logged_whole(agent_log):
    """LEAD and LEAD_ERR are where a lead is kept when there is no file for it: nothing of it is lost."""
    logger, written = agent_log
    hide_private(config(log_transcripts="off"))
    logger.info('LEAD {"phone": "0521234567"}')
    assert written.getvalue() == 'LEAD {"phone": "0521234567"}\n'


def test_the_embedded_stt_complain_on_our_logger(agent_log):
    """One filter is enough, as every line of ours is logged in one place."""
    from server.providers.embedded.stt import recogniser

    assert recogniser.log is agent_log[0]
    assert build_grammar(("שלום",), hebrew_lexicon()).left_out == ()


@pytest.mark.parametrize("message", ["", "no"])
def test_a_note_on_an_exception_is_private(message: str, caplog: pytest.LogCaptureFixture) -> None:
    """LOG_TRANSCRIPTS: whoever notes what the caller said on an error does not have it logged."""
    with log_transcripts("off"):
        try:
            error = RuntimeError(message) if message else RuntimeError()
            error.add_note("Dana: 052-1234567")
            raise error
        except RuntimeError:
            logging.getLogger("agent").exception("LLM_ERR")
    assert "RuntimeError" in caplog.text and "Dana" not in caplog.text and "4567" not in caplog.text
