"""All pages of an application, tied together: each part adds its own to ``Pages``."""

from flask import Blueprint

from server.config import Config
from server.pages.door import Allowed
from server.pages.home import add_home
from server.pages.kinds import kind_of
from server.pages.login import add_login
from server.pages.overview import add_overview
from server.pages.pages import Pages
from server.pages.phone import add_phone
from server.pages.sessions import Sessions
from server.service import Service
from server.telephony.public_url import public_origin


def pages_of(service: Service, allowed: Allowed | None = None) -> Blueprint:
    """The pages over ``service``; ``allowed``: a host's function that says who may see them."""
    config = service.config
    password_hash, redis_url = (
        secret.get_secret_value() for secret in (config.pages_password_hash, config.redis_url)
    )
    secrets = (password_hash, config.twilio_auth_token.get_secret_value())
    sessions = Sessions(secrets, service.shared_state, config.pages_session_hours)
    pages = Pages(kind_of(config, by_host=allowed is not None), sessions, lambda: _by_https(config), allowed)
    add_home(pages, service)
    add_overview(pages, service)
    add_login(pages, password_hash, redis_url)
    add_phone(pages, service)
    return pages.blueprint


def _by_https(config: Config) -> bool:
    return public_origin(config).startswith("https://")
