"""Log lines as events: their text, who is told what, and a host's own logging."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
import structlog
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from server.logs.call_log import CallLog
from server.logs.events import hide_private, log
from server.logs.line_format import LogLine
from server.logs.redaction import Complaint, Mode, PrivateText
from server.turns.actions import Log
from tests.logs.modes import config, log_transcripts

KEY = "sk-proj-QXZ\t7890\u2028123456"
PRIVATE = "0521234567"
_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d \w+")
_OF_A_TRACEBACK = re.compile(
    r'Traceback \(most recent call last\):|  File ".*", line \d+, in .*|    .*|'
    r"The above exception was the direct cause of the following exception:|"
    r"During handling of the above exception, another exception occurred:|"
    r"(ValueError|KeyError|ExceptionGroup)\b.*|"
)


@contextmanager
def written() -> Iterator[io.StringIO]:
    """What our logger writes meanwhile, as the server does."""
    logger, lines = logging.getLogger("agent"), io.StringIO()
    before = (logger.handlers[:], logger.filters[:], logger.level, logger.propagate)
    handler = logging.StreamHandler(lines)
    handler.setFormatter(LogLine())
    logger.handlers[:], logger.propagate = [handler], False
    logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        logger.handlers[:], logger.filters[:], logger.level, logger.propagate = before


def texts(lines: io.StringIO) -> list[str]:
    return [line.partition(" ")[2] for line in lines.getvalue().splitlines()]


def test_the_text_of_a_line() -> None:
    """As operators search for it: what the event says, what is private, the other fields, and the rest."""
    call = CallLog("redacted")
    call.sid = "MZ1"
    with written() as lines:
        log.warning("ENGINE_FAILING tts google, 3 times in a row:", cause="down")
        log.error("ASR_ERR:", cause=Complaint(("google", "down"), ("openai", f"no {PRIVATE}")))
        log.info("WEBHOOK incoming_call=200 connect", call="CA1", From="+972521234567", To="+97236543210")
        call.of_the_core(Log("ASR_TEXT:", f"זה {PRIVATE}"))
        call.of_the_core(Log("RESPONSE_GAP ms=640 turn=2", since_frames=32), wall_ms=651.4)
        call.complaint(Complaint(("google", "down")))
        call.line("WS_START", "mode=AI call=CA1")
    assert texts(lines) == [
        "ENGINE_FAILING tts google, 3 times in a row: down",
        "ASR_ERR: google: down; openai: no [phone]",
        "WEBHOOK incoming_call=200 connect call=CA1 From=…4567 To=…3210",
        "ASR_TEXT: זה [phone] sid=MZ1",
        "RESPONSE_GAP ms=640 turn=2 wall_ms=651 sid=MZ1",
        "TTS_ERR: google: down sid=MZ1",
        "WS_START sid=MZ1 mode=AI call=CA1",
    ]
    assert (call.tally["RESPONSE_GAP"], call.tally["TTS_ERR:"], call.tally.longest_gap_frames) == (1, 1, 32)


def test_before_a_config_is_known_numbers_are_not_shown() -> None:
    """A process that uses the three functions alone may log before it has read its settings."""
    with written() as lines:
        log.error("ASR_ERR:", cause=f"no {PRIVATE}")
    assert texts(lines) == ["ASR_ERR: no [phone]"]


def test_what_is_not_logged_costs_no_redaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """LOG_LEVEL=ERROR: a warning's words are not even looked at."""
    monkeypatch.setattr(PrivateText, "cause", lambda *_: pytest.fail("looked at"))
    with written() as lines:
        logging.getLogger("agent").setLevel(logging.ERROR)
        log.warning("ENGINE_SKIPPED:", cause="down")
    assert lines.getvalue() == ""


def test_a_hosts_record_tells_the_place_and_the_exception(caplog: pytest.LogCaptureFixture) -> None:
    """As if ``logging`` had been called there; Sentry and the like want the exception itself."""
    error = ValueError("down")
    log.error("LLM_ERR: host respond:", cause="ValueError: down", exc_info=error)
    [record] = caplog.records
    assert (record.name, record.levelname) == ("agent", "ERROR")
    assert record.filename == "test_events.py"
    assert record.funcName == "test_a_hosts_record_tells_the_place_and_the_exception"
    assert record.exc_info is not None and record.exc_info[1] is error


def test_a_host_that_uses_structlog_is_not_disturbed() -> None:
    """And its configuration does not change a line of ours."""
    assert not structlog.is_configured()
    hosts: list[str] = []
    structlog.configure(
        processors=[lambda _logger, _level, fields: hosts.append(fields["event"]) or str(fields)],
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    try:
        with written() as lines:
            log.bind(private_text=PrivateText("off")).info("ASR_TEXT:", words="שלום לך")
            structlog.get_logger().info("the host's")
    finally:
        structlog.reset_defaults()
    assert texts(lines) == ["ASR_TEXT: (2 words)"]
    assert hosts == ["the host's"]
    assert logging.getLoggerClass() is logging.Logger


# ---- whatever is logged --------------------------------------------------------------------------

anything = st.text(st.characters() | st.sampled_from("\n\r\x1b\x85\u2028 %{}'\"אבג0123456789"), max_size=60)
with_a_key = st.builds(lambda before, behind: f"{before}{KEY}{behind}", anything, anything)
long = st.integers(3980, 4010).map(lambda count: "א" * count + KEY + "\n")
text = anything | with_a_key | long


def raise_from(first: str, second: str, third: str) -> None:
    try:
        try:
            raise KeyError(first)
        except KeyError as error:
            raise ExceptionGroup(second, [ValueError(first), ValueError(third)]) from error
    except ExceptionGroup:
        raise ValueError(third)  # noqa: B904


@pytest.mark.parametrize("mode", ["full", "redacted", "off"])
def test_no_input_makes_a_line_of_its_own_or_shows_a_secret_or_raises(mode: Mode) -> None:
    """Whichever field it comes in, and whether the line is an event, a call's, or a plain one."""
    secret = config(log_transcripts=mode, redis_url=SecretStr(f"redis://:{quote(KEY)}@h:1/0"))

    @settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
    @given(text, text, text)
    @example("a\nb", KEY, "\u2028" * 5000)
    def logged(first: str, second: str, third: str) -> None:
        with written() as lines:
            hide_private(secret)
            log_all(mode, first, second, third)
        shown = lines.getvalue().splitlines()
        assert [bool(_LINE.match(line)) for line in shown[:6]] == [True] * 6
        assert not [line for line in shown[6:] if not _OF_A_TRACEBACK.fullmatch(line)]
        assert "QXZ" not in lines.getvalue()

    with log_transcripts(mode):
        logged()


def log_all(mode: Mode, first: str, second: str, third: str) -> None:
    """Six lines, and a traceback behind the last."""
    call = CallLog(mode)
    log.info("EVENT", words=first, cause=second, From=third, other=first, more=second)
    log.error("EVENT:", cause=Complaint(("sim", first), ("sim", third)))
    call.sid = first
    call.of_the_core(Log("ASR_TEXT:", second, third))
    call.line("WS_CLOSED", third)
    logging.getLogger("agent").warning("PLAIN %s: %r", first, second)
    try:
        raise_from(first, second, third)
    except ValueError:
        logging.getLogger("agent").exception("PLAIN %s", third)
