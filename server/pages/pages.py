"""The pages of one application: each view stands behind the door, its answers bear the same headers.

::

    pages.add("/calls", list_calls, title=("שיחות", "Calls"))

    def list_calls() -> Response:
        return render("pages/calls.html", rows=…)
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound
from werkzeug.routing import BuildError

from server.logs.one_line import MAX_CHARACTERS, in_one_line
from server.logs.rate_limited import Bugs, OnceIn, RateLimitedLog
from server.pages.door import Allowed, is_this_machine, name_by
from server.pages.guest import LANG_COOKIE, LANGS, guest
from server.pages.headers import set_headers
from server.pages.kinds import Kind
from server.pages.sessions import Sessions, Visit
from server.telephony.request_guard import read_body

log = logging.getLogger("agent")

View = Callable[..., Any]
# Two: who comes by a link of another site sends no cookie, and their first form must not end their visit.
COOKIE, FORM_COOKIE = "agent_pages", "agent_pages_form"
YEAR_S = 31_536_000
SAFE = ("GET", "HEAD", "OPTIONS")
SAME_ORIGIN = ("same-origin", "none")  # none: typed, or of a bookmark
NOTED_EVERY_S = 60.0  # a recording is fetched in pieces, a call that goes on again and again


@dataclass(frozen=True)
class Added:
    """A view; ``title``: in the menu, in Hebrew and in English."""

    rule: str
    name: str
    title: tuple[str, str] | None
    shown: bool  # a page that one can go to, for who is let in


class Pages:
    """Built at start, by one thread; asked by any. ``https``: whether this request's browser came by it."""

    def __init__(
        self, kind: Kind, sessions: Sessions, https: Callable[[], bool], allowed: Allowed | None = None
    ) -> None:
        self.kind = kind
        self.sessions = sessions
        self.blueprint = Blueprint(
            "pages",
            __name__,
            template_folder="templates",
            static_folder="static",
            static_url_path="/pages/static",
        )
        self._https = https
        self._allowed = allowed
        self._open = {"static"}
        self._data: set[str] = set()
        self._added: list[Added] = []
        self._bugs = Bugs(log)
        self._refusals = RateLimitedLog(log)
        self._opened = OnceIn(NOTED_EVERY_S)
        self.blueprint.before_request(self._before)
        self.blueprint.after_request(self._after)
        self.blueprint.context_processor(self._in_templates)
        self.blueprint.register_error_handler(Exception, self._failed)

    def add(
        self,
        rule: str,
        view: View,
        methods: Sequence[str] = ("GET",),
        open: bool = False,
        *,
        data: bool = False,
        title: tuple[str, str] | None = None,
    ) -> None:
        """Register ``view``, named as its function, behind the login.

        ``open``: for everybody who reaches the pages. ``data``: asked by a script, so that who is not let in
        hears 401, and no page. ``title``: in the menu, in Hebrew and English. Whoever opens what has a
        ``<sid>`` in its rule is noted in the log.
        """
        name = view.__name__
        self.blueprint.add_url_rule(rule, name, view, methods=list(methods), strict_slashes=False)
        self._open |= {name} if open else set()
        self._data |= {name} if data else set()
        self._added.append(Added(rule, name, title, "GET" in methods and not open and not data))

    def name_of(self, rule: str) -> str | None:
        """The name, for ``url_for`` behind a dot, of the page added with ``rule``; None: there is none."""
        return next((added.name for added in self._added if added.rule == rule), None)

    # ---- a visit

    def sign_in(self) -> None:
        """With a new id, whatever cookie came."""
        self._set_visit(self.sessions.begin(signed_in=True))

    def sign_out(self) -> None:
        """For all workers, and wherever the cookie was copied to."""
        if (visit := guest().visit) is not None:
            self.sessions.end(visit)
        guest().visit, guest().new_cookies[COOKIE] = None, ""

    def page_after_login(self) -> str:
        """The path of the page that ``next`` names, of ours alone; else the first one."""
        name = request.args.get("next", "")
        if not any(added.name == name and added.shown for added in self._added):
            return url_for(".home")
        sid: dict[str, Any] = {key: request.args[key] for key in ("sid",) if key in request.args}
        try:
            return url_for(f".{name}", **sid)
        except (BuildError, ValueError):
            return url_for(".home")

    def _set_visit(self, visit: Visit) -> None:
        guest().visit = visit
        guest().new_cookies[COOKIE if visit.signed_in else FORM_COOKIE] = self.sessions.cookie_of(visit)

    def _visit(self, cookie: str) -> Visit | None:
        """That of a cookie of the request; one in the place of the other is none."""
        visit = self.sessions.read(request.cookies.get(cookie, ""))
        return visit if visit is not None and visit.signed_in is (cookie == COOKIE) else None

    # ---- before and after each view

    def _before(self) -> Any:
        name = _view_name()
        if self.kind is Kind.SHUT:
            return self._shut(name)
        if name == "static":
            return None
        visit = guest().visit = self._visit(COOKIE) or self._visit(FORM_COOKIE)
        guest().who = self._who(visit)
        if guest().who is None and name not in self._open:
            return self._not_let_in(name)
        if request.method not in SAFE:
            # A login that another window was faster with is still that of this window's form.
            self._see_that_the_form_is_ours(self._visit(FORM_COOKIE) if name in self._open else visit)
        return None

    def _who(self, visit: Visit | None) -> str | None:
        match self.kind:
            case Kind.HOST:
                assert self._allowed is not None
                return name_by(self._allowed)
            case Kind.THIS_MACHINE:
                return "this-machine" if is_this_machine() else None
            case _:
                return f"session:{visit.name}" if visit is not None and visit.signed_in else None

    def _shut(self, name: str) -> Response:
        """A stranger learns that something answers, and no more."""
        if name == "home" and request.method in SAFE:
            return Response("The phone agent is up.\n", mimetype="text/plain")
        raise NotFound

    def _not_let_in(self, name: str) -> Response:
        if self.kind is not Kind.PASSWORD:
            self._refuse("not for this visitor")
            raise Forbidden
        if name in self._data or request.method not in SAFE:
            return Response("log in first\n", 401, mimetype="text/plain")
        query = {} if name == "home" else {"next": name, **(request.view_args or {})}
        return redirect(url_for(".login_page", **query), 303)  # type: ignore[return-value]

    def _see_that_the_form_is_ours(self, visit: Visit | None) -> None:
        """Raises Forbidden for a form that another site has made up, or that has no token of this visit."""
        try:
            read_body()  # what comes in drops must not hold a thread
        except HTTPException:  # too large
            raise
        except Exception as error:  # the connection's, not ours
            raise BadRequest from error
        token = request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")
        if request.headers.get("Sec-Fetch-Site", "none") not in SAME_ORIGIN:
            self._refuse("a form of another site")
        elif visit is None or not self.sessions.is_form_token(visit, token):
            self._refuse("a form without this visit's token")
        else:
            return
        raise Forbidden

    def _refuse(self, why: str) -> None:
        self._refusals.warn("PAGE_REFUSED %s from=%s page=%s", why, guest().address, _view_name())

    def _after(self, response: Response) -> Response:
        name = _view_name()
        set_headers(response.headers, kept=name == "static")
        if name == "static" or self.kind is Kind.SHUT:
            return response
        response.vary.add("Cookie")
        self._note_in_log(name, response)
        self._set_cookies(response)
        return response

    def _set_cookies(self, response: Response) -> None:
        """For the pages alone; no script reads them, no other site sends them."""
        rules: dict[str, Any] = {
            "httponly": True,
            "samesite": "Strict",
            "secure": self._https(),
            "path": url_for(".home"),
        }
        for name, value in guest().new_cookies.items():
            if value:
                response.set_cookie(name, value, **rules)
            else:
                response.delete_cookie(name, **rules)
        if request.args.get("lang") == guest().lang:
            response.set_cookie(LANG_COOKIE, guest().lang, max_age=YEAR_S, **rules)

    def _note_in_log(self, name: str, response: Response) -> None:
        """Who has opened which call, or listened to it."""
        sid = (request.view_args or {}).get("sid")
        who = guest().who
        if sid is None or who is None or response.status_code >= 300:
            return
        sid = in_one_line(sid, MAX_CHARACTERS)
        if not self._opened.due((who, guest().address, sid, name)):
            return
        word = "PAGE_HEARD" if (response.mimetype or "").startswith("audio/") else "PAGE_OPENED"
        log.info("%s call=%s page=%s who=%s from=%s", word, sid, name, who, guest().address)

    def _in_templates(self) -> dict[str, Any]:
        lang = guest().lang
        other = LANGS[lang == LANGS[0]]
        return {
            "lang": lang,
            "other_lang": other,
            "other_lang_url": f"?{urlencode({**request.args.to_dict(), 'lang': other})}",
            "dir": "rtl" if lang == "he" else "ltr",
            "t": lambda he, en: he if lang == "he" else en,
            "menu": [added for added in self._added if added.title and guest().who is not None],
            "here": _view_name(),
            "who": guest().who,
            "may_sign_out": self.kind is Kind.PASSWORD and guest().who is not None,
            "csrf": self._form_token,
        }

    def _form_token(self) -> str:
        """Of this visit, which begins with the first form that is shown."""
        visit = guest().visit
        if visit is None:
            self._set_visit(visit := self.sessions.begin(signed_in=False))
        return self.sessions.form_token(visit)

    # ---- failures

    def _failed(self, error: Exception) -> Response:
        """A page that says so and nothing of our insides."""
        if not isinstance(error, HTTPException):
            self._bugs.tell(f"PAGE_ERR {_view_name()}", error)
        elif error.response is not None:  # a host's ``allowed`` leads to its own login
            return error.response  # type: ignore[return-value]
        status = (error.code or 400) if isinstance(error, HTTPException) else 500
        if _view_name() in self._data or self.kind is Kind.SHUT:
            return Response(f"{status}\n", status, mimetype="text/plain")
        return render("pages/error.html", status, code=status, kind=self.kind.name)


def render(template: str, status: int = 200, **values: Any) -> Response:
    """A page. ``values`` are escaped by the template, and so safe, whoever has said them."""
    return Response(render_template(template, **values), status, mimetype="text/html")


def _view_name() -> str:
    return (request.endpoint or "").rpartition(".")[2]
