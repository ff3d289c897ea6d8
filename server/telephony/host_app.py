"""The application that we are mounted in: what of it would keep Twilio out is told.

A host's own guards (CSRF protection, a login wall, a redirect to https) answer before our views are asked.
Twilio hears 400 or 302, the caller nothing, and the host's log shows requests like any other.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.blueprints import BlueprintSetupState

from server.config import Config
from server.logs.rate_limited import OnceIn
from server.runtime.web_server import gunicorn_below, why_no_call, why_too_few
from server.telephony.public_url import doubled_path

log = logging.getLogger("agent")

REACHED = "phone_agent.reached"
LET_PASS = "let these URLs pass: who may call them is seen by Twilio's signature"
REDIRECT = "let these URLs pass without a login; for a redirect to https behind a proxy: werkzeug's ProxyFix"
CSRF = "csrf.exempt(app.blueprints[{name!r}]) for Flask-WTF"
HINTS = {400: CSRF, 301: REDIRECT, 302: REDIRECT, 303: REDIRECT, 307: REDIRECT, 308: REDIRECT}


def reached(view: Callable[..., Any]) -> Callable[..., Any]:
    """``view``, which notes that the request came so far."""

    @wraps(view)
    def noting(**values: Any) -> Any:
        request.environ[REACHED] = True
        return view(**values)

    return noting


class HostApp:
    """What is seen of an application from the moment our blueprint is registered with it. Any thread."""

    def __init__(self, config: Config, state: BlueprintSetupState) -> None:
        """While it is registered: ``state`` says under which name and prefix."""
        self._app: Flask = state.app  # type: ignore[assignment]  # typed as its base, which serves nothing
        self._name = f"{state.name_prefix}.{state.name}".lstrip(".")
        self._calls = config.most_calls
        self._guard_once = OnceIn()
        self._looked_around = self._looked_below = False
        if doubled := doubled_path(config, state.url_prefix or ""):
            log.warning("HOST_PREFIX %s", doubled)
        if too_few := why_too_few(gunicorn_below(), self._calls):
            log.warning("HOST_SERVER %s", too_few)
        self._app.after_request(self._answered)

    def _answered(self, response: Response) -> Response:
        """Behind every request of the application."""
        if not self._looked_around:  # by now the application is complete
            self._looked_around = True
            self._look_around()
        endpoint = request.endpoint or ""
        if endpoint == f"{self._name}.incoming_call" and not self._looked_below:
            self._looked_below = True
            self._look_below()
        # Who may see the pages, deeper in the blueprint, a host may well decide before us.
        if endpoint.rpartition(".")[0] == self._name and REACHED not in request.environ:
            self._tell_of_a_guard(response)
        return response

    def _look_around(self) -> None:
        if _has_csrf_for(self._app, self._name):
            log.warning("HOST_CSRF every webhook will be answered 400: %s", CSRF.format(name=self._name))

    def _look_below(self) -> None:
        """A call is ringing, and its socket would not come, or not be taken."""
        if request.user_agent.string.startswith("Werkzeug/"):  # a test's client has no socket
            return
        if why := why_no_call(request.environ, self._calls):
            log.warning("HOST_SERVER %s (unless another server has /ws/)", why)

    def _tell_of_a_guard(self, response: Response) -> None:
        """A request for one of our URLs was answered, and not by us."""
        status = response.status_code
        if request.method == "OPTIONS" or not self._guard_once.due((request.endpoint, status)):
            return
        place = urlsplit(response.headers.get("Location", ""))  # its query may hold what was asked
        log.error(
            "HOST_GUARD %s %s was answered %d%s by the application, before us: %s",
            request.method,
            request.path,
            status,
            f" → {place.netloc}{place.path}" if place.netloc or place.path else "",
            HINTS.get(status, LET_PASS).format(name=self._name),
        )


def _has_csrf_for(app: Flask, name: str) -> bool:
    """Flask-WTF's protection of every form, and our blueprint is not exempt."""
    exempt = getattr(app.extensions.get("csrf"), "_exempt_blueprints", None)
    if not isinstance(exempt, set):  # another library's, or none
        return False
    settings = ("WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT")
    ours: set[object] = {app.blueprints[name], name}
    return all(app.config.get(setting, True) for setting in settings) and not ours & exempt
