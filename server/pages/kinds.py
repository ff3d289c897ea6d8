"""How the pages are opened, as the settings say. No web framework: the master process asks too."""

from enum import Enum

from server.config import Config
from server.runtime.web_server import LOOPBACK_NAMES


class Kind(Enum):
    """Who may see the pages."""

    HOST = "whom the application lets"
    PASSWORD = "behind a password"
    THIS_MACHINE = "for this machine only; for others: ./start_all.sh password"
    SHUT = "off, since the server is public and has no PAGES_PASSWORD_HASH: ./start_all.sh password"


def is_public(config: Config) -> bool:
    """Others than this machine are meant to reach the server, or can."""
    published = config.twilio_auth_token.get_secret_value() or config.public_base_url or config.public_host
    return bool(published) or config.listen_host not in LOOPBACK_NAMES


def kind_of(config: Config, *, by_host: bool = False) -> Kind:
    if by_host:
        return Kind.HOST
    if config.pages_password_hash.get_secret_value():
        return Kind.PASSWORD
    return Kind.SHUT if is_public(config) else Kind.THIS_MACHINE
