"""All pages of an application, tied together: each part adds its own to ``Pages``."""

from flask import Blueprint

from server.config import Config
from server.pages.call_files import FilePages, add_call_files, beside
from server.pages.calls import CallPages, add_calls
from server.pages.door import Allowed
from server.pages.forgetting import Forgetting, add_forgetting
from server.pages.home import add_home
from server.pages.kinds import kind_of
from server.pages.live_calls import LiveCalls
from server.pages.login import add_login
from server.pages.overview import add_overview
from server.pages.pages import Pages
from server.pages.phone import add_phone
from server.pages.recordings import CallFiles
from server.pages.sessions import Sessions
from server.records.database import Database
from server.records.forget import places_of
from server.records.reading import Recorded, database_by
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
    database = database_by(config)
    add_home(pages, service, database)
    _add_calls(pages, service, database)
    add_overview(pages, database)
    add_login(pages, password_hash, redis_url)
    add_phone(pages, service)
    return pages.blueprint


def _add_calls(pages: Pages, service: Service, database: Database | None) -> None:
    config = service.config
    records, mode = Recorded(database) if database else None, config.log_transcripts
    files = CallFiles(config.event_log_dir, mode)
    views = CallPages(records, LiveCalls(records, service.shared_state), lambda call: beside(call, files))
    add_calls(pages, views)
    add_call_files(pages, FilePages(views.parts_there, files, mode))
    add_forgetting(pages, Forgetting(places_of(config), views.parts, files))


def _by_https(config: Config) -> bool:
    return public_origin(config).startswith("https://")
