"""A lead as an e-mail: Hebrew that can be read back, nothing of it a header, over a real socket."""

import json
import ssl
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from server.delivery.mail import Mail, message_of
from server.delivery.schedule import Answer, Arrived, Failed, Refused
from server.office.leads import HEADERS
from tests.delivery.smtp import PASSWORD, USER, MailServer, mail_serving

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
ROW = dict.fromkeys(HEADERS, "") | {"שם": "דנה לוי", "טלפון": "052-1234567", "מה קרה": "נמסרו פרטים"}
LETTER = {"id": "CA1", "row": ROW, "summary": "דנה <מחפשת> דירה"}
TO = ("office@example.com", "boss@example.com")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def channel(
    mail: MailServer, authority: trustme.CA | None, login: str = f"{USER}:{quote(PASSWORD, safe='')}@"
) -> Mail:
    tls = ssl.create_default_context()
    if authority is not None:
        authority.configure_trust(tls)
    url = f"smtp://{login}127.0.0.1:{mail.port}"
    return Mail(url, TO, "agent@example.com", tls=tls, now=lambda: NOW)


def test_it_is_hebrew_right_to_left_and_encrypted(authority: trustme.CA) -> None:
    with mail_serving(authority) as mail:
        assert channel(mail, authority).deliver("CA1", json.dumps(LETTER)) == Arrived()
    (message,) = mail.mails
    assert mail.encrypted == [True]
    assert message["Subject"] == "ליד: דנה לוי · 052-1234567 · נמסרו פרטים"
    assert (message["To"], message["From"]) == (", ".join(TO), "agent@example.com")
    assert (message["X-Lead-Id"], message["Message-ID"]) == ("CA1", "<lead-CA1@example.com>")
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None and html is not None
    assert plain.get_content().splitlines()[0] == "דנה <מחפשת> דירה" and "שם: דנה לוי" in plain.get_content()
    written = html.get_content()
    assert '<html dir="rtl" lang="he">' in written and "דנה &lt;מחפשת&gt; דירה" in written
    assert sorted(line for line in mail.said if line.startswith("rcpt")) == [
        f"rcpt TO:<{to}>" for to in sorted(TO)
    ]


def test_a_password_is_never_sent_without_tls() -> None:
    with mail_serving(None) as mail:
        answer = channel(mail, None).deliver("CA1", json.dumps(LETTER))
    assert isinstance(answer, Failed) and mail.mails == []
    assert not any(line.startswith("AUTH") for line in mail.said)


def test_a_server_beside_us_needs_no_tls() -> None:
    with mail_serving(None) as mail:
        assert channel(mail, None, login="").deliver("CA1", json.dumps(LETTER)) == Arrived()
    assert len(mail.mails) == 1


def test_a_certificate_of_nobody(authority: trustme.CA) -> None:
    with mail_serving(authority) as mail:
        answer = channel(mail, None).deliver("CA1", json.dumps(LETTER))
    assert answer == Failed("no TLS: its certificate is not accepted, or it speaks none")


ANSWERS = {
    "later": ({"RCPT": "450 later"}, Failed("every recipient is refused (450)")),
    "nobody there": ({"RCPT": "550 nobody"}, Refused("every recipient is refused (550)")),
    "not from you": ({"MAIL": "553 who?"}, Refused("the server refuses (553)")),
    "full": ({"DATA": "452 full"}, Failed("the server refuses (452)")),
    "login": ({"AUTH": "535 no"}, Failed("the login is refused (535)")),
}


@pytest.mark.parametrize(("refuses", "answer"), ANSWERS.values(), ids=ANSWERS)
def test_what_a_refusal_means(authority: trustme.CA, refuses: dict[str, str], answer: Answer) -> None:
    with mail_serving(authority) as mail:
        mail.refuses = refuses
        assert channel(mail, authority).deliver("CA1", json.dumps(LETTER)) == answer


def test_the_ping_is_a_login(authority: trustme.CA) -> None:
    with mail_serving(authority) as mail:
        assert channel(mail, authority).ping() == ""
        mail.refuses = {"AUTH": "535 no"}
        assert channel(mail, authority).ping() == "the login is refused (535)"
    assert mail.mails == []


@given(name=st.text(max_size=10), what=st.text(max_size=10), lead=st.text(max_size=10))
def test_what_a_caller_says_is_no_header(name: str, what: str, lead: str) -> None:
    hostile = "א\r\nBcc: everybody@example.com\r\n\r\nx"
    row = ROW | {"שם": name + hostile, "מה קרה": what}
    letter = {"id": lead + hostile, "row": row, "summary": hostile}
    message = message_of(letter, "agent@example.com", TO, NOW)
    head = message.as_bytes().partition(b"\r\n\r\n")[0]
    assert message["Bcc"] is None and b"\r\nBcc" not in head
    assert b"\n" not in head.replace(b"\r\n", b"")
