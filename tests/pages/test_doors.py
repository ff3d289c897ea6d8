"""Nobody gets through the doors of the pages who is not let in: some 300 tries, 0 of which succeed."""

import logging
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer
from werkzeug.test import TestResponse

from server.pages.headers import POLICY
from server.pages.pages import COOKIE, FORM_COOKIE
from server.pages.sessions import VISIT_SALT, Sessions
from server.records.database import WITHIN_S, Database
from server.records.facts import CallFacts
from server.records.rows import call_record
from server.records.store import put
from server.shared_state.state import SharedState
from tests.pages.site import (
    HASH,
    PASSWORD,
    TOKEN,
    app_of,
    behind_a_password,
    dangers,
    log_in,
    logged_in,
    token_in,
)
from tests.records.facts import AT, call

OPEN = {"static", "login_page"}
SECRET = "סוד של מתקשר"


@pytest.fixture(scope="module")
def app() -> Flask:
    return behind_a_password()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def pages_in(app: Flask, sid: str = "CA1") -> Iterator[tuple[str, str, str]]:
    """(method, path, name) of every page there is."""
    for rule in app.url_map.iter_rules():
        _, _, name = rule.endpoint.rpartition(".")
        if ".pages." in rule.endpoint and name not in OPEN:
            path = rule.rule.replace("<sid>", sid)
            yield from ((method, path, name) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"})


def is_shut_out(answer: TestResponse) -> bool:
    """Sent to the login, or refused; and nothing was told."""
    to_login = answer.status_code == 303 and answer.headers["Location"].startswith("/login")
    return (to_login or answer.status_code in (400, 401, 403, 404)) and SECRET not in answer.text


# ---- without a login ----------------------------------------------------------------------------


def test_every_page_is_behind_the_login(app: Flask) -> None:
    """Those of other parts too: whoever adds one need not think of it."""
    tried = list(pages_in(app))
    assert ("GET", "/", "home") in tried and ("POST", "/logout", "logout") in tried
    for method, path, _ in tried:
        for cookies in ({}, {COOKIE: ""}, {COOKIE: "x"}, {FORM_COOKIE: "x"}):
            client = app.test_client()
            for name, value in cookies.items():
                client.set_cookie(name, value)
            assert is_shut_out(client.open(path, method=method)), (method, path, cookies)


def test_a_page_leads_to_the_login_and_back(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert client.post("/logout").status_code == 401
    assert log_in(client).headers["Location"] == "/"
    assert client.get("/").status_code == 200


def mutations(cookie: str) -> list[str]:
    head, _, signature = cookie.rpartition(".")
    other = URLSafeSerializer("another key", VISIT_SALT).dumps(["A" * 24, True, time.time() + 3600])
    none = URLSafeSerializer("", VISIT_SALT).dumps(["A" * 24, True, time.time() + 3600])
    return [
        head,
        f"{head}.",
        f".{signature}",
        f"{head}.{signature[:-2]}",
        f"{head}.{signature[::-1]}",
        f"{head}.{'A' * len(signature)}",
        f"{cookie}.{signature}",
        f"{cookie}x",
        f"x{cookie}",
        cookie.swapcase(),
        cookie.replace(".", "", 1),
        f"{head[:-1]}{'A' if head[-1] != 'A' else 'B'}.{signature}",
        other,
        none,
        "",
        ".",
        "..",
        "null",
        "true",
        "[]",
        "{}",
        "0",
        "-1",
        "admin",
        "%00",
        "' OR '1'='1",
        "a" * 1500,
        "שלום",
        HASH.replace("$", "."),
    ]


@pytest.mark.parametrize("number", range(29))
def test_a_forged_cookie_is_none(app: Flask, number: int) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, mutations(logged_in_once(app))[number])
    assert is_shut_out(client.get("/"))


@given(st.data())
def test_a_cookie_that_was_changed_anywhere_is_none(app: Flask, data: st.DataObject) -> None:
    genuine = logged_in_once(app)
    place = data.draw(st.integers(0, len(genuine) - 2))  # the last character has bits that mean nothing
    letter = data.draw(st.sampled_from("abcXYZ019_-."))
    changed = genuine[:place] + letter + genuine[place + 1 :]
    if changed != genuine:
        client = app.test_client()
        client.set_cookie(COOKIE, changed)
        assert is_shut_out(client.get("/"))


def logged_in_once(app: Flask) -> str:
    """The limit of tries holds for tests too."""
    if "cookie of a test" not in app.extensions:
        found = logged_in(app).get_cookie(COOKIE)
        assert found is not None
        app.extensions["cookie of a test"] = found.value
    cookie: str = app.extensions["cookie of a test"]
    return cookie


def sessions(*secrets: str, hours: float = 12, at: float = 0.0) -> Sessions:
    return Sessions(secrets, SharedState(), int(hours), lambda: time.time() + at)


@pytest.mark.parametrize(
    "made_by",
    [
        sessions(HASH, TOKEN, at=-12 * 3600 - 1),  # over
        sessions(HASH, TOKEN, at=-365 * 86400),
        sessions(HASH, TOKEN, hours=24),  # longer than is allowed
        sessions(HASH, TOKEN, hours=9000),
        sessions(HASH, TOKEN, at=300),  # of a clock that is ahead
        sessions(HASH, "another token"),
        sessions("another hash", TOKEN),  # the password was changed
        sessions(HASH),
        sessions(TOKEN),
        sessions(TOKEN, HASH),
    ],
    ids=range(10),
)
def test_a_visit_that_is_over_or_of_another_key(app: Flask, made_by: Sessions) -> None:
    client = app.test_client()
    with app.app_context():
        client.set_cookie(COOKIE, made_by.cookie_of(made_by.begin(signed_in=True)))
    assert is_shut_out(client.get("/"))


def test_one_of_the_same_key_is_taken(app: Flask) -> None:
    """Else the tries above would show nothing; and any worker or host takes what another has made."""
    client, made_by = app.test_client(), sessions(HASH, TOKEN)
    with app.app_context():
        client.set_cookie(COOKIE, made_by.cookie_of(made_by.begin(signed_in=True)))
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("signed_in", [False, True])
def test_a_cookie_in_the_place_of_the_other_is_none(app: Flask, signed_in: bool) -> None:
    client, made_by = app.test_client(), sessions(HASH, TOKEN)
    with app.app_context():
        cookie = made_by.cookie_of(made_by.begin(signed_in=signed_in))
    client.set_cookie(FORM_COOKIE if signed_in else COOKIE, cookie)
    assert is_shut_out(client.get("/"))


# ---- fixation, and the end of a visit -----------------------------------------------------------


def test_a_login_has_a_new_id_whatever_cookies_came(app: Flask) -> None:
    """Fixation: who has planted a cookie knows nothing of the visit that the login begins."""
    attacker, victim = app.test_client(), app.test_client()
    known = token_in(attacker.get("/login"))
    planted = attacker.get_cookie(FORM_COOKIE)
    assert planted is not None
    victim.set_cookie(FORM_COOKIE, planted.value)
    victim.set_cookie(COOKIE, planted.value)
    assert log_in(victim).status_code == 303
    begun = victim.get_cookie(COOKIE)
    assert begun is not None and begun.value != planted.value
    assert victim.get("/").status_code == 200 and is_shut_out(attacker.get("/"))
    attacker.set_cookie(COOKIE, planted.value)
    assert is_shut_out(attacker.get("/"))
    assert victim.post("/logout", data={"csrf": known}).status_code == 403


def test_two_logins_are_two_visits() -> None:
    app = behind_a_password()
    cookies = [logged_in(app).get_cookie(COOKIE) for _ in range(2)]
    assert len({cookie.value for cookie in cookies if cookie is not None}) == 2


def test_after_a_logout_no_worker_takes_the_cookie(tmp_path: Path) -> None:
    """Wherever it was copied to."""
    shared = str(tmp_path / "agent.db")
    worker, another = behind_a_password(state_file=shared), behind_a_password(state_file=shared)
    client = logged_in(worker)
    copied = client.get_cookie(COOKIE)
    assert copied is not None
    thief = another.test_client()
    thief.set_cookie(COOKIE, copied.value)
    assert thief.get("/").status_code == 200
    left = client.post("/logout", data={"csrf": token_in(client.get("/"))})
    assert (left.status_code, left.headers["Location"]) == (303, "/login")
    assert client.get_cookie(COOKIE) is None
    assert is_shut_out(client.get("/")) and is_shut_out(thief.get("/"))


def test_the_cookie_is_for_the_pages_alone(app: Flask) -> None:
    answer = log_in(app.test_client())
    (text,) = answer.headers.getlist("Set-Cookie")
    cookie = SimpleCookie(text)[COOKIE]
    assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/"
    assert not cookie["expires"] and not cookie["max-age"]  # gone with the browser, too


@pytest.mark.parametrize(
    ("base", "headers", "secure"),
    [
        ("https://agent.example.com", {}, True),
        ("", {"X-Forwarded-Proto": "https"}, True),
        ("", {}, False),
        ("http://agent.example.com", {}, False),
    ],
)
def test_under_https_the_cookie_travels_by_https_alone(
    base: str, headers: dict[str, str], secure: bool
) -> None:
    client = behind_a_password(public_base_url=base).test_client()
    token = token_in(page := client.get("/login", headers=headers))
    assert ("Secure" in page.headers["Set-Cookie"]) is secure
    if not secure:
        answer = client.post("/login", data={"csrf": token, "password": PASSWORD}, headers=headers)
        assert answer.status_code == 303 and "Secure" not in answer.headers["Set-Cookie"]


# ---- forms --------------------------------------------------------------------------------------


def test_every_form_asks_for_its_token(app: Flask) -> None:
    """Those of other parts too."""
    client = app.test_client()
    client.set_cookie(COOKIE, logged_in_once(app))
    forms = [path for method, path, _ in pages_in(app) if method == "POST"]
    assert "/logout" in forms
    for path in forms:
        for data in ({}, {"csrf": ""}, {"csrf": "x"}):
            assert client.post(path, data=data).status_code == 403, path


def test_a_form_that_is_too_large_is_not_read(app: Flask) -> None:
    client = app.test_client()
    data = {"csrf": token_in(client.get("/login")), "password": "a" * 100_000}
    answer = client.post("/login", data=data)
    assert answer.status_code == 413 and dangers(answer.text) == []


def wrong_tokens(app: Flask) -> list[str]:
    another = token_in(app.test_client().get("/login"))
    return [
        "",
        "x",
        "null",
        "undefined",
        another,
        another[:-1],
        another + "=",
        another[::-1],
        "A" * 43,
        "ש" * 43,
        "\x00",
        " ",
        "0",
        "true",
        "%",
        "😀",
        "a" * 5000,
        HASH,
        TOKEN,
        PASSWORD,
    ]


@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("where", ["csrf", "header", "csrf_token", "query"])
def test_a_form_without_its_token_does_nothing(app: Flask, number: int, where: str) -> None:
    """Missing, wrong, or another visit's; where another library would look, or one that a log keeps."""
    cookie, token = logged_in_once(app), wrong_tokens(app)[number]
    client = app.test_client()
    client.set_cookie(COOKIE, cookie)
    if where == "header":
        answer = client.post("/logout", headers={"X-CSRF-Token": quote(token[:200])})
    elif where == "query":
        answer = client.post("/logout", query_string={"csrf": token})
    else:
        answer = client.post("/logout", data={where: token})
    assert answer.status_code == 403
    assert client.get("/").status_code == 200  # still logged in


def test_the_right_token_where_none_is_looked_for(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, logged_in_once(app))
    token = token_in(client.get("/"))
    assert client.post("/logout", query_string={"csrf": token}).status_code == 403
    assert client.post("/logout", json={"csrf": token}).status_code == 403
    assert client.get("/logout", query_string={"csrf": token}).status_code == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site", "elsewhere", ""])
def test_another_sites_form_does_nothing_even_with_the_token(app: Flask, site: str) -> None:
    """As a page on another port of this machine could have it sent."""
    client = app.test_client()
    client.set_cookie(COOKIE, logged_in_once(app))
    token = token_in(client.get("/"))
    answer = client.post("/logout", data={"csrf": token}, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 403 and client.get("/").status_code == 200


@pytest.mark.parametrize("token", ["", "x", "another's", "none at all"])
def test_nobody_is_logged_in_by_anothers_form(app: Flask, token: str) -> None:
    """Even who knows the password: the visit would be the attacker's."""
    client = app.test_client()
    theirs = token_in(app.test_client().get("/login")) if token == "another's" else token
    data = {"password": PASSWORD} | ({} if token == "none at all" else {"csrf": theirs})
    client.get("/login")
    assert client.post("/login", data=data).status_code == 403
    assert is_shut_out(client.get("/"))


# ---- passwords ----------------------------------------------------------------------------------

WRONG = [
    "",
    " ",
    PASSWORD.upper(),
    PASSWORD + " ",
    " " + PASSWORD,
    PASSWORD[:-1],
    PASSWORD + "\x00",
    HASH,
    TOKEN,
    "correct horse battery" * 60,
    "' OR 1=1 --",
    "שלום",
    "\ud800",
    "a" * 15_000,
    "%s%n",
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_password(number: int) -> None:
    client = behind_a_password().test_client()
    token = token_in(client.get("/login"))
    data = f"csrf={token}&password={quote(WRONG[number], errors='surrogatepass')}"
    answer = client.post("/login", data=data, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 403 and client.get_cookie(COOKIE) is None
    assert is_shut_out(client.get("/"))


def test_a_password_is_tried_a_few_times_a_minute() -> None:
    """The right one then is not even looked at; another address may still try, until all have too often."""
    app = behind_a_password()
    client = app.test_client()
    token = token_in(client.get("/login"))

    def tried(password: str, address: str) -> int:
        data, headers = {"csrf": token, "password": password}, {"X-Forwarded-For": address}
        return client.post("/login", data=data, headers=headers).status_code

    assert [tried("wrong one", "203.0.113.1") for _ in range(7)] == [403] * 5 + [429] * 2
    assert tried(PASSWORD, "203.0.113.1") == 429
    assert tried(PASSWORD, "203.0.113.2") == 303
    others = [tried("wrong one", f"203.0.113.{number}") for number in range(3, 40)]
    assert others.count(403) <= 30 and others[-1] == 429
    assert client.get_cookie(COOKIE) is not None


@pytest.mark.parametrize(
    "forwarded", ["198.51.100.9, 203.0.113.7", "x, 203.0.113.7", ", 203.0.113.7", "203.0.113.7"]
)
def test_an_address_that_the_visitor_has_made_up_gives_no_more_tries(forwarded: str) -> None:
    """What the nearest proxy adds is last."""
    client = behind_a_password().test_client()
    token = token_in(client.get("/login"))
    statuses = [
        client.post(
            "/login",
            data={"csrf": token, "password": "wrong one"},
            headers={"X-Forwarded-For": f"198.51.100.{number}, {forwarded}"},
        ).status_code
        for number in range(6)
    ]
    assert statuses == [403] * 5 + [429]


# ---- where a login leads ------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    " //evil.example",
    "\t//evil.example",
    "/login",
    "login_page",
    "logout",
    "static",
    ".home",
    "home.x",
    "phone_agent.incoming_call",
    "..incoming_call",
    "healthz",
    "@evil.example",
    "home@evil.example",
    "%2f%2fevil.example",
    "//evil%E3%80%82example",
    "/\r\nLocation: https://evil.example",
    "home\r\nSet-Cookie: a=b",
    "\x00",
    "__class__",
    "home?x",
    "../home",
    "שלום",
]


@pytest.mark.parametrize("number", range(len(ELSEWHERE)))
def test_a_login_leads_to_our_own_pages_alone(number: int) -> None:
    app = behind_a_password()
    values = {
        "sid": ELSEWHERE[number],
        "_external": "1",
        "_scheme": "javascript",
        "_anchor": "x",
        "_method": "y",
    }
    for query in ({"next": ELSEWHERE[number]}, {"next": ELSEWHERE[number], **values}):
        answer = log_in(app.test_client(), **query)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert log_in(app.test_client(), next="home", **values).headers["Location"].startswith("/?sid=")


# ---- files that are not ours to give -------------------------------------------------------------

AWAY = [
    "../pages.py",
    "../../config.py",
    "../../../.env",
    "../../../../../../etc/passwd",
    "..%2fpages.py",
    "..%2f..%2f..%2f.env",
    "%2e%2e/pages.py",
    "%2e%2e%2fpages.py",
    "%252e%252e%252fpages.py",
    "..%5cpages.py",
    "..\\pages.py",
    "....//pages.py",
    "..././pages.py",
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "pages.css/../../pages.py",
    "pages.css%00.js",
    ".",
    "..",
    "",
    "%00",
    "C:\\windows\\win.ini",
    "pages.css:stream",
    "~root/.profile",
    "..;/pages.py",
    "．．/pages.py",
    "%c0%ae%c0%ae/pages.py",
]


@pytest.mark.parametrize("path", AWAY)
def test_no_file_but_what_is_meant_to_be_shown(app: Flask, path: str) -> None:
    client = app.test_client()
    client.set_cookie(COOKIE, logged_in_once(app))
    for where in (f"/pages/static/{path}", f"/media/{path}"):
        answer = client.get(where)
        assert answer.status_code in (301, 308, 400, 404), where
        assert "import" not in answer.text and "root:" not in answer.text


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Flask, Database]:
    """An application that needs no login, and its records."""
    file = str(tmp_path_factory.mktemp("records") / "records.db")
    return app_of(records_file=file), Database("", file)


def keep(database: Database, facts: CallFacts) -> None:
    database.run(WITHIN_S, lambda connection: put(connection, [call_record(facts)], AT))


def test_no_call_is_named_like_a_file(told: tuple[Flask, Database]) -> None:
    """Of pages of other parts, wherever a CallSid stands in a path; nor by a sign that stands for others."""
    app, database = told
    keep(database, call("CA1"))
    rules = [rule for rule in app.url_map.iter_rules() if ".pages." in rule.endpoint and "<sid>" in rule.rule]
    for rule in rules:
        for path in [*filter(lambda path: path.strip("./"), AWAY), "CA1'--", "CA1%00", "%", "%25", "_", "*"]:
            answer = app.test_client().get(rule.rule.replace("<sid>", path))
            assert answer.status_code in (301, 303, 308, 400, 404, 405), (rule.rule, path)
            assert "root:" not in answer.text and "import" not in answer.text
            answer.close()


# ---- what callers have said ----------------------------------------------------------------------

NASTY = [
    "<script>alert(1)</script>",
    "</td></table><script src=//evil.example></script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "\"><iframe src='javascript:alert(1)'>",
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "<a href='javascript:alert(1)'>דירה</a>",
    "{{ config }}",
    "{% include '/etc/passwd' %}",
    "{{ ''.__class__.__mro__ }}",
    "<!--<script>-->",
    "]]><script>alert(1)</script>",
    "<base href=//evil.example>",
    "<style>*{background:url(//evil.example)}</style>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u202e<script>\u202c",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
]


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_what_a_caller_says_is_text_and_nothing_else(told: tuple[Flask, Database], number: int) -> None:
    """On the first page, where it is shown, and on every page of other parts."""
    app, database = told
    nasty, sid = NASTY[number], f"CA{number}"
    keep(
        database,
        call(sid, at=AT.replace(year=2001 + number), caller=nasty, summary=nasty, lead=(("name", nasty),)),
    )
    client = app.test_client()
    first = client.get("/")
    assert first.status_code == 200 and ("alert" not in nasty or "alert" in first.text)
    shown = [path for method, path, _ in pages_in(app, sid) if method == "GET"]
    for page in [first, *map(client.get, shown)]:
        assert page.mimetype != "text/html" or dangers(page.text) == []
        page.close()


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_what_a_stranger_sends_is_not_in_a_page(app: Flask, nasty: str) -> None:
    client = app.test_client()
    query = {"lang": nasty, "next": nasty, nasty: nasty}
    for path in ("/login", "/", f"/{quote(nasty)}", f"/pages/static/{quote(nasty)}"):
        page = client.get(path, query_string=query, headers={"X-Forwarded-For": quote(nasty)})
        assert dangers(page.text) == []
        for _, value in page.headers:
            assert "alert" not in value or "Location" in page.headers


# ---- headers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inserted",
    ["%0d%0aSet-Cookie:%20a=b", "%0aX-Evil:%201", "%0d%0a%0d%0a<script>", "%E5%98%8D%E5%98%8AX-Evil:1"],
)
@pytest.mark.parametrize("path", ["/?lang={}", "/login?next={}", "/login?lang={}", "/{}", "/pages/static/{}"])
def test_no_header_is_put_in(client: FlaskClient, path: str, inserted: str) -> None:
    answer = client.get(path.format(inserted))
    assert "X-Evil" not in answer.headers and "a=b" not in str(answer.headers.getlist("Set-Cookie"))
    assert not any("\n" in value or "\r" in value for _, value in answer.headers)


@pytest.mark.parametrize("path", ["/", "/login", "/pages/static/pages.css", "/logout"])
def test_every_answer_has_the_headers(app: Flask, path: str) -> None:
    for client in (app.test_client(), app.test_client()):
        answer = client.post(path) if path == "/logout" else client.get(path)
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Frame-Options"] == "DENY"
        answer.close()
        assert answer.headers["Cache-Control"] == ("no-cache" if "static" in path else "no-store")
        client.set_cookie(COOKIE, logged_in_once(app))
    assert "unsafe" not in POLICY


def test_a_failure_of_ours_tells_nothing(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """A page, and the traceback in the log alone."""

    def fails() -> bool:
        raise RuntimeError(SECRET)

    with caplog.at_level(logging.ERROR):
        answer = app_of(allowed=fails).test_client().get("/")
    assert answer.status_code == 500 and SECRET not in answer.text and "Traceback" not in answer.text
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert any(record.getMessage().startswith("PAGE_ERR home") for record in caplog.records)
