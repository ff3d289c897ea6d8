"""The knobs of the pages in the browser; a part of ``server.config.Config``."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from server.knobs import knob
from server.settings.knob_types import PasswordHash


class PageKnobs(BaseSettings):
    pages: bool = knob(
        True, "Pages in the browser: for this machine only, or behind PAGES_PASSWORD_HASH; false: none."
    )
    pages_password_hash: PasswordHash = knob(
        SecretStr(""), "Whoever knows the password sees the pages; ./start_all.sh password makes this line."
    )
    pages_session_hours: int = knob(12, "Hours after which one must log in again.", 1, 24)
