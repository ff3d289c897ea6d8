"""What a setting cannot be, though it is of its type: ``why_no_…`` says why not, "" where nothing is wrong.

What is refused here would be accepted and fail in every call. No answer holds a secret.
"""

import ipaddress
import re
from urllib.parse import parse_qsl, urlsplit

from server.office.business_hours import OfficeHours
from server.settings.url_secrets import user_info, without_user_info
from server.telephony.caller_number import number_to_call

NOT_TWILIOS = "TWILIO_AUTH_TOKEN is not like Twilio's (32 of 0-9, a-f): is it whole, and the auth token?"
MOST_OF_ARGON2 = {"m": 262_144, "t": 10, "p": 16}  # KiB, rounds, lanes
_ARGON2 = re.compile(
    r"\$argon2id\$v=19\$m=(?P<m>\d{2,7}),t=(?P<t>\d{1,3}),p=(?P<p>\d{1,3})\$[\w+/]{11,64}\$[\w+/]{22,128}",
    re.ASCII,
)
_QUOTES = "\"'`"
_UNFILLED = re.compile(r"[<\[{(].*[>\])}]|\$\{?[A-Za-z_]\w*\}?|%\w+%|.*(?:\.{3}|\*{3}).*|[^\w]+", re.DOTALL)
_FILL_ME_IN = re.compile(
    r"(?:change|replace|fill|insert|put|paste|enter|add|set)"
    r"(?:me|this|it|in|here|your|with|the|an?|twilio|openai|real|own|auth|api|secret|token|key|value)*"
    r"|(?:my|the|an?|some)?(?:twilio|openai)*(?:auth|api|access)*(?:token|key|value|password)(?:goes)?(?:here)?"
    r"|(?:sk|skproj|ac|key|token)?x{3,}"
    r"|placeholder|example|dummy|sample|empty|todo|tbd|fixme|none|null|nil|undefined|foo|bar|foobar"
)
_YOURS = re.compile(r"your.*(?:token|key|secret|password|here)")
_OWN_ROUTES = re.compile(r"/(?:webhook(?:/.*)?|ws(?:/.*)?|(?:healthz|readyz)/?|media/\w+\.wav)")
_NO_DATABASE = (
    "must be like postgres://user:password@host:5432/database, or postgresql://…; in a password @ / ? # are"
    " written %40 %2F %3F %23; a file of SQLite's is RECORDS_FILE"
)
# A key file's content, or its base64: "{", "-----".
_KEY_ITSELF = re.compile(r"\s*[{\[]|.*PRIVATE KEY|(?:ey|ew|LS0t)[A-Za-z0-9+/=_\s-]{98,}", re.DOTALL)
_API_KEY = re.compile(r"AIza[\w-]{30,}")


def why_no_secret(value: str) -> str:
    """A token or key: what was never filled in, or has half of a pair of quotes."""
    value = value.strip()
    if any(value.count(quote) % 2 for quote in _QUOTES):
        return "has a quote that no secret has; half of a pair that was to stand around it?"
    letters = re.sub(r"[\W_]", "", value.lower())
    unfilled = (
        re.search(r"…|\.{3}", value)
        or _UNFILLED.fullmatch(value)
        or _FILL_ME_IN.fullmatch(letters)
        or _YOURS.search(letters)
    )
    return "is a placeholder; put the real one there, or leave it empty" if value and unfilled else ""


def why_no_auth_token(token: str) -> str:
    """Twilio's. Its form (``is_like_an_auth_token``) is not asked for: a local test may have any."""
    if re.fullmatch(r"(AC|SK)[0-9a-f]{32}", token):
        return "is the SID of an account or a key; the auth token stands below it"
    if not re.fullmatch(r"[!-~]*", token) or any(quote in token for quote in _QUOTES):
        return "has a character that no token has; a blank at its end?"
    return why_no_secret(token)


def why_no_password_hash(text: str) -> str:
    """Argon2's. One that takes a minute, or all memory, to be tried would stop the calls."""
    found = _ARGON2.fullmatch(text)
    if found is None:
        return "is no argon2id hash; ./start_all.sh password makes one, with the quotes that keep its $ signs"
    if any(int(found[name]) > most for name, most in MOST_OF_ARGON2.items()):
        return "takes too long to be tried; ./start_all.sh password makes one that does not"
    return ""


def is_like_an_auth_token(token: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{32}", token) is not None


def why_no_key_file(path: str) -> str:
    """``GOOGLE_APPLICATION_CREDENTIALS``: people put the key itself where its path belongs."""
    if _KEY_ITSELF.match(path):
        return "must be the path of a key file, not its content; that goes into GOOGLE_CREDENTIALS_JSON"
    if _API_KEY.search(path):
        return "must be the path of a service account's key file, and not an API key"
    return "must be the path of a file: this is too long" if len(path) > 4096 else ""


def _why_no_http_url(url: str, schemes: tuple[str, str] = ("http://", "https://")) -> str:
    if not url.startswith(schemes) or any(c.isspace() for c in url):
        return f"must start with {' or '.join(schemes)}, without blanks"
    if "@" in url.partition("//")[2].partition("/")[2]:
        return "must have no @ behind its host; in a password @ / ? # are written %40 %2F %3F %23"
    return ""


def why_no_service_url(url: str) -> str:
    """``OPENAI_BASE_URL``: paths are added to it."""
    if why := _why_no_http_url(url):
        return why
    if "?" in url or "#" in url:
        return "must end before the ? or #: what stands behind it is never sent"
    return ""


def why_no_socket_url(url: str) -> str:
    """``SONIOX_STT_URL``: a WebSocket's."""
    if why := _why_no_http_url(url, ("ws://", "wss://")):
        return why
    try:
        parts = urlsplit(url)
        there = bool(parts.hostname) and parts.port != 0
    except ValueError:
        there = False
    return "" if there else "must be like wss://host/path"


def why_no_google_endpoint(url: str) -> str:
    if why := why_no_service_url(url):
        return why
    if any(user_info(url)):
        return "must be a host and its port: who we are is in GOOGLE_APPLICATION_CREDENTIALS"
    return ""


def is_near(url: str) -> bool:
    """Its host is this machine, or of a private network: nobody else is on the way to it."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:  # a name; one without a dot is a container's
        return host != "" and ("." not in host or host.endswith((".internal", ".local", ".lan")))


def why_no_webhook_url(url: str) -> str:
    """``LEADS_WEBHOOK_URL``: what callers say goes there."""
    if why := _why_no_http_url(url):
        return why
    try:
        parts = urlsplit(url)
        there = bool(parts.hostname) and parts.port != 0
    except ValueError:
        there = False
    if not there or not url.isascii() or "#" in url:
        return "must be like https://crm.example.com/leads"
    if parts.scheme == "http" and not is_near(url):
        return "must begin with https://; http:// is for this machine and private networks"
    return ""


def why_no_smtp_url(url: str) -> str:
    """``SMTP_URL``: a mail server, with who we are there."""
    try:
        parts = urlsplit(url)
        there = bool(parts.hostname) and parts.port != 0 and parts.scheme in ("smtp", "smtps")
        more = parts.path.strip("/") or parts.query or parts.fragment
        half = bool(parts.username) != bool(parts.password)
    except ValueError:
        there, more, half = False, "", False
    if there and not more and not half and url.isascii() and not any(map(str.isspace, url)):
        return ""
    return "must be like smtp://user:password@host:587 or smtps://…:465; in them @ / ? # are %40 %2F %3F %23"


def why_no_email(address: str) -> str:
    good = re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", address)
    return "" if good else "must be an address like office@example.com"


def why_no_base_url(url: str) -> str:
    """``PUBLIC_BASE_URL``: our routes are added to it, and Twilio signs the whole."""
    if why := _why_no_http_url(url):
        return why
    try:
        parts = urlsplit(url)
        there = bool(parts.hostname) and parts.port != 0 and url.count("://") == 1
    except ValueError:
        there = False
    if not there or not url.isascii():
        return "must be like https://agent.example.com"
    path = _OWN_ROUTES.sub("", parts.path) if _ends_in_a_route(parts.path) else parts.path
    meant = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path.rstrip('/')}"
    if parts.query or parts.fragment or url[-1] in "?#":
        return f"must end before the ? or #: {meant}"
    return f"must end before our own routes, which are added to it: {meant}" if path != parts.path else ""


def _ends_in_a_route(path: str) -> bool:
    found = _OWN_ROUTES.search(path)
    return found is not None and found.end() == len(path)


def why_no_host(host: str) -> str:
    """``PUBLIC_HOST``: a name, with its port where it has one; https:// before it is forgiven."""
    bare = re.sub(r"^https?://", "", host, flags=re.IGNORECASE).removesuffix("/")
    if re.fullmatch(r"[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?", bare):
        return ""
    meant = re.match(r"[A-Za-z0-9._-]+(?::\d{1,5})?(?=[/?#])", bare)
    return f"must be a host's name only, like {meant[0] if meant else 'agent.example.com'}"


def why_no_redis_url(url: str) -> str:
    """The client's own check would import it, and ssl, before gevent has patched that."""
    try:
        parts = urlsplit(url)
        database = dict(parse_qsl(parts.query)).get("db", "0")
        somewhere = parts.path if parts.scheme == "unix" else parts.hostname and parts.port != 0
    except ValueError:
        somewhere, database = "", ""
    good = somewhere and database.isdigit() and parts.scheme in ("redis", "rediss", "unix")
    if good and url.isascii() and url[-1] not in _QUOTES:
        return ""
    return "must be like redis://:password@host:6379/0, or rediss:// for TLS"


def why_no_database_url(url: str) -> str:
    """Not asked of SQLAlchemy: gunicorn's master does without it, and without psycopg."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "host" in dict(parse_qsl(parts.query))) and parts.port != 0
    except ValueError:
        return _NO_DATABASE
    known = parts.scheme in ("postgres", "postgresql", "postgresql+psycopg")
    legible = not any(c.isspace() for c in url) and url[-1] not in _QUOTES
    legible = legible and parts.netloc.count("@") < 2  # one in a password: libpq ends it there
    return "" if host and known and len(parts.path) > 1 and legible else _NO_DATABASE


def why_no_openai_key(key: str, own_server: bool) -> str:
    """``own_server``: it speaks OpenAI's protocol, and may want any key."""
    if not key.strip().isascii():
        return "has a character that no key has; an invisible mark at its end?"
    return "" if own_server else why_no_secret(key)


def why_no_e164(number: str) -> str:
    good = re.fullmatch(r"\+(?!9720)[0-9]{6,15}", number)
    return "" if good else "must be like +972501234567, no 0 behind +972"


def why_no_caller_number(number: str) -> str:
    """One of a list, as Twilio writes it."""
    good = number_to_call(number) == number and number[0] in "+0"
    return "" if good else "must be numbers like +97231234567, with commas between"


def why_no_office_hours(text: str) -> str:
    try:
        OfficeHours.parse(text)
    except ValueError as error:
        return without_user_info(str(error))
    return ""
