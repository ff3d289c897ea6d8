"""What the world calls this server: the URLs in TwiML, and those that Twilio signs. Within a request."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from flask import request, url_for

from server.config import Config
from server.settings.url_secrets import shown

SOCKET_SCHEMES = {"wss": "https", "ws": "http"}


def public_origin(config: Config) -> str:
    """Where Twilio reaches this application, without a slash at the end.

    From PUBLIC_BASE_URL or PUBLIC_HOST when set; otherwise from what the proxy or the client claims.
    """
    if config.public_base_url:
        return config.public_base_url.rstrip("/")
    if config.public_host:
        host = config.public_host.rpartition("://")[2].strip("/")  # some write it as a URL
        return f"https://{host}{request.script_root}"
    scheme = _first(request.headers.get("X-Forwarded-Proto", "")).lower()
    host = _first(request.headers.get("X-Forwarded-Host", "")) or request.host
    scheme = SOCKET_SCHEMES.get(scheme, scheme)
    return f"{scheme if scheme in ('http', 'https') else request.scheme}://{host}{request.script_root}"


def absolute(config: Config, endpoint: str, **values: str) -> str:
    """The public URL of one of our routes."""
    # A leading dot is Flask's for "in this blueprint", wherever the host has put it.
    path = url_for(f".{endpoint}", _external=False, **values)
    return public_origin(config) + path.removeprefix(request.script_root)


def path_of(config: Config, endpoint: str, **values: str) -> str:
    """Of one of our webhooks, as Twilio sees it: relative to the document it stands in.

    ``values``: its query string.
    """
    url = urlsplit(absolute(config, endpoint, **values))
    return f"{url.path}?{url.query}" if url.query else url.path


def doubled_path(config: Config, url_prefix: str) -> str:
    """What is wrong when PUBLIC_BASE_URL and the blueprint's ``url_prefix`` bring the same path; or empty.

    A path of PUBLIC_BASE_URL is what a proxy takes away before we are asked; a prefix it leaves alone.
    """
    base = urlsplit(config.public_base_url).path.strip("/").split("/")
    prefix = url_prefix.strip("/").split("/")
    shared = next((base[at:] for at in range(len(base)) if base[at:] == prefix[: len(base) - at]), [])
    if not any(shared):
        return ""
    twice = f"{shown(config.public_base_url).rstrip('/')}/{'/'.join(prefix)}/webhook/incoming_call"
    return (
        f"/{'/'.join(shared)} is in PUBLIC_BASE_URL and in url_prefix, so Twilio would be told {twice}: "
        "leave it out of PUBLIC_BASE_URL, unless a proxy takes it away"
    )


def socket_url(config: Config, url: str) -> str:
    """``url`` as a WebSocket's."""
    # Twilio takes wss only, and whatever let its request in over http serves https too; plain ws is
    # for who has asked for it.
    scheme = "ws" if config.public_base_url.startswith("http://") else "wss"
    return f"{scheme}:{url.partition(':')[2]}"


def signed_webhook_urls(config: Config) -> Iterator[str]:
    """What Twilio may have signed for this request: its URL with and without a slash at the end."""
    yield from _with_query(_both_slash_forms(public_origin(config) + request.path))


def signed_socket_urls(config: Config) -> Iterator[str]:
    """The same for this handshake: Twilio's documents say wss, some stacks have met https."""
    url = socket_url(config, public_origin(config) + request.path)
    scheme, _, rest = url.partition(":")
    for named in (scheme, SOCKET_SCHEMES[scheme]):
        yield from _with_query(_both_slash_forms(f"{named}:{rest}"))


def _with_query(urls: Iterable[str]) -> Iterator[str]:
    query = request.query_string.decode("latin-1")
    for url in urls:
        yield f"{url}?{query}" if query else url


def _both_slash_forms(url: str) -> tuple[str, str]:
    bare = url.rstrip("/")
    return (f"{bare}/", bare) if url.endswith("/") else (bare, f"{bare}/")


def _first(header: str) -> str:
    """A chain of proxies appends with commas; the first is the one that Twilio met."""
    return header.split(",")[0].strip()
