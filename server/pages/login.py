"""The password: asked for on a page, tried a few times a minute at most, where it holds no call up."""

import logging

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from flask import Response, redirect, request, url_for

from server.admission.caller_share import Party
from server.admission.rate_limits import RateLimits
from server.logs.rate_limited import RateLimitedLog
from server.pages.guest import guest
from server.pages.kinds import Kind
from server.pages.pages import Pages, render
from server.pages.password import MOST_CHARACTERS
from server.runtime.native_calls import Pool, Stuck

log = logging.getLogger("agent")

TRIES_A_MINUTE, ALL_TRIES_A_MINUTE = 5, 30
RETRY_AFTER_S = 60
HASHER = PasswordHasher()
WITHIN_S = 10.0


class Login:
    """Any thread. ``password_hash``: argon2's."""

    def __init__(self, pages: Pages, password_hash: str, limits: RateLimits) -> None:
        self._pages = pages
        self._hash = password_hash
        self._limits = limits
        self._too_often = RateLimitedLog(log)
        self._pool = Pool("argon2", 1)  # one at a time: each takes 64 MB

    def show(self) -> Response:
        if self._pages.kind is not Kind.PASSWORD or guest().who is not None:
            return _to(url_for(".home"))
        return render("pages/login.html")

    def try_password(self) -> Response:
        if self._pages.kind is not Kind.PASSWORD:
            return _to(url_for(".home"))
        if self._is_too_often():
            self._too_often.warn("PAGE_LOGIN too many tries from=%s", guest().address)
            response = render("pages/login.html", 429, problem="often")
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        try:
            right = self._pool.run(WITHIN_S, _is_right, self._hash, request.form.get("password", ""))
        except Stuck:
            return render("pages/login.html", 503, problem="busy")
        if not right:
            log.warning("PAGE_LOGIN a wrong password from=%s", guest().address)
            return render("pages/login.html", 403, problem="wrong")
        self._pages.sign_in()
        visit = guest().visit
        log.info("PAGE_LOGIN who=session:%s from=%s", visit.name if visit else "", guest().address)
        return _to(self._pages.page_after_login())

    def sign_out(self) -> Response:
        log.info("PAGE_LOGOUT who=%s from=%s", guest().who, guest().address)
        self._pages.sign_out()
        return _to(url_for(".login_page" if self._pages.kind is Kind.PASSWORD else ".home"))

    def _is_too_often(self) -> bool:
        """A try is counted before its password is looked at, so that many at once gain nothing."""
        one = Party(f"page login {guest().address}", a_minute=TRIES_A_MINUTE)
        everybody = Party("page login, all", a_minute=ALL_TRIES_A_MINUTE)
        return any(self._limits.count(party, of_all=False) for party in (one, everybody))


def add_login(pages: Pages, password_hash: str, redis_url: str) -> None:
    login = Login(pages, password_hash, RateLimits(0, redis_url))

    def login_page() -> Response:
        return login.try_password() if request.method == "POST" else login.show()

    def logout() -> Response:
        return login.sign_out()

    pages.add("/login", login_page, ("GET", "POST"), open=True)
    pages.add("/logout", logout, ("POST",))


def _is_right(password_hash: str, password: str) -> bool:
    """Some 50 ms of computing, without Python's lock."""
    if not password or len(password) > MOST_CHARACTERS:
        return False
    try:
        return HASHER.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False


def _to(path: str) -> Response:
    return redirect(path, 303)  # type: ignore[return-value]
