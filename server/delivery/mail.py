"""A lead as an e-mail (``LEADS_EMAIL_TO``) by SMTP: Hebrew, right to left, as plain text and as HTML."""

import json
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape
from urllib.parse import unquote, urlsplit

from server.delivery.schedule import Answer, Arrived, Failed, Refused
from server.logs.one_line import in_one_line
from server.office.leads import CALL, PHONE, TOLD, WHAT
from server.runtime.native_calls import Pool, Stuck
from server.settings.plausible import is_near

STEP_S = 10.0  # of the exchange
WHOLE_S = 40.0
AT_ONCE = 2
MAX_SUBJECT_CHARS = 150
STYLE = "font-family:Arial,sans-serif;font-size:15px"
LTR = frozenset({PHONE, CALL})  # cells that are read from the left


class Mail:
    """A Channel. One thread at a time.

    ``smtp_url``: smtp://user:password@host:587 (STARTTLS, without which no password is sent), or smtps://…:465.
    """

    name = "email"

    def __init__(
        self,
        smtp_url: str,
        to: Sequence[str],
        sender: str,
        *,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = smtp_url
        self._to = tuple(to)
        self._sender = sender
        self._tls = tls or ssl.create_default_context()
        self._now = now
        self._pool = Pool("SMTP", AT_ONCE, by_sockets=True)

    def deliver(self, lead: str, payload: str) -> Answer:
        return self._bounded(
            lambda: self._hand_over(message_of(json.loads(payload), self._sender, self._to, self._now()))
        )

    def ping(self) -> str:
        answer = self._bounded(self._log_in)
        return "" if isinstance(answer, Arrived) else answer.why

    def _bounded(self, exchange: Callable[[], Answer]) -> Answer:
        try:
            return self._pool.run(WHOLE_S, exchange)
        except Stuck:
            return Failed(f"not done within {WHOLE_S:g} s")
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return _by_code(min(codes, default=550), "every recipient is refused")
        except smtplib.SMTPAuthenticationError as error:  # of the server's settings, and not of the lead's
            return Failed(f"the login is refused ({error.smtp_code})")
        except smtplib.SMTPResponseException as error:
            return _by_code(error.smtp_code, "the server refuses")
        except ssl.SSLError:
            return Failed("no TLS: its certificate is not accepted, or it speaks none")
        except TimeoutError:
            return Failed(f"no answer within {STEP_S:g} s")
        except (OSError, smtplib.SMTPException) as error:
            return Failed(f"no connection, or it broke off ({type(error).__name__})")
        except Exception as error:  # whatever a library raises, the lead waits
            return Failed(type(error).__name__)

    def _log_in(self) -> Answer:
        with self._session():
            return Arrived()

    def _hand_over(self, message: EmailMessage) -> Answer:
        with self._session() as session:
            refused = session.send_message(message, self._sender_address, list(self._to))
        return Arrived(f"{len(refused)} of {len(self._to)} recipients are refused" if refused else "")

    @property
    def _sender_address(self) -> str:
        return parseaddr(self._sender)[1]

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        url = urlsplit(self._url)
        host, name, password = url.hostname or "", unquote(url.username or ""), unquote(url.password or "")
        session: smtplib.SMTP
        if url.scheme == "smtps":
            session = smtplib.SMTP_SSL(host, url.port or 465, timeout=STEP_S, context=self._tls)
        else:
            session = smtplib.SMTP(host, url.port or 587, timeout=STEP_S)
        try:
            session.ehlo_or_helo_if_needed()
            # One beside us may have no TLS, or a certificate of its own; a password is never sent without.
            if url.scheme == "smtp" and (name or not is_near(self._url)):
                session.starttls(context=self._tls)
            if name:
                session.login(name, password)
            yield session
            with suppress(OSError, smtplib.SMTPException):  # what counts is said
                session.quit()
        finally:
            session.close()


def _by_code(code: int, what: str) -> Answer:
    """4yz is for now, 5yz for good; the words of a server may quote the lead."""
    return Failed(f"{what} ({code})") if 400 <= code < 500 else Refused(f"{what} ({code})")


def message_of(letter: Mapping[str, object], sender: str, to: Sequence[str], now: datetime) -> EmailMessage:
    """The e-mail of a letter (``server.delivery.whole``): what a caller said is text in it, and no header."""
    row, summary, lead = letter["row"], str(letter["summary"]), str(letter["id"])
    assert isinstance(row, Mapping)
    cells = [(header, str(cell)) for header, cell in row.items() if cell]
    message = EmailMessage(policy=SMTP)
    name = row[TOLD["name"]]
    subject = " · ".join(filter(None, (f"ליד: {name}" if name else "ליד", row[PHONE], row[WHAT])))
    message["Subject"] = in_one_line(subject, MAX_SUBJECT_CHARS)
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Date"] = format_datetime(now)
    # The same at every attempt: a mailbox may show it once.
    host = parseaddr(sender)[1].rpartition("@")[2]
    message["Message-ID"] = f"<lead-{re.sub(r'[^A-Za-z0-9-]', '', lead)}@{host}>"
    message["X-Lead-Id"] = in_one_line(lead, MAX_SUBJECT_CHARS).encode("ascii", "replace").decode()
    message["Auto-Submitted"] = "auto-generated"
    lines = [f"{header}: {cell}" for header, cell in cells]
    message.set_content("\n".join((summary, "", *lines)) + "\n")
    message.add_alternative(_html(summary, cells), subtype="html")
    return message


def _html(summary: str, cells: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th style="text-align:right;padding:2px 0 2px 16px">{escape(header)}</th>'
        f'<td dir="{"ltr" if header in LTR else "auto"}" style="text-align:right">{escape(cell)}</td></tr>'
        for header, cell in cells
    )
    return (
        '<!DOCTYPE html><html dir="rtl" lang="he"><head><meta charset="utf-8"></head>'
        f'<body style="{STYLE}"><p>{escape(summary)}</p><table>{rows}</table></body></html>'
    )
