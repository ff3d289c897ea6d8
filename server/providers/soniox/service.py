"""Soniox's addresses, key and errors.

Facts: soniox.com/docs (api-reference/stt/websocket-api, tts/websocket-api, errors) and the ``soniox`` SDK.
"""

import json
from collections.abc import Mapping
from typing import Any

from server.config import Config
from server.logs.secrets import excerpt
from server.providers import model_ends
from server.providers.base import ProviderError
from server.providers.streaming.connection import Address, ConnectionLost
from server.settings.url_secrets import bare, basic_auth, shown

NO_KEY = "no Soniox key: set SONIOX_API_KEY"
# By the code, since older answers have no type. A session that ended of itself is begun anew.
ADVICE = {
    401: "Soniox refuses the key: is SONIOX_API_KEY right?",
    402: "Soniox's balance or budget is used up: see its console",
    403: "Soniox forbids it: may SONIOX_API_KEY do this?",
    429: "Soniox's limit is reached: its console can raise it",
}
RESTARTED = (408, 413)  # and the server's own troubles, from 500 on
NO_MODEL = "model_not_available"


def address_of(config: Config, url: str, setting: str) -> Address:
    """The address of one of its services, and the setting that names it.

    The key goes into a header: the start message's is refused from 2027-01-15. Raises ProviderError without
    a key.
    """
    key = config.soniox_api_key.get_secret_value().strip()
    if not key:
        raise ProviderError(NO_KEY)

    def refused(status: int, body: str) -> ProviderError:
        try:
            says = json.loads(body)["error_message"]
        except (ValueError, KeyError, TypeError):
            says = body
        return error_of({"error_code": status, "error_message": says}, f"{setting}={shown(url)}")

    return Address("Soniox", bare(url), {"Authorization": basic_auth(url) or f"Bearer {key}"}, refused)


def error_of(message: Mapping[str, Any], model: str, *others: str) -> ProviderError:
    """The error that ``message`` tells of.

    ``model``: SETTING=value; ``others``: what else of ours was in the request.
    """
    code, kind = message.get("error_code"), message.get("error_type")
    says = excerpt(" ".join(str(message.get("error_message") or kind or code).split()), 200)
    if kind == NO_MODEL:
        end, today = model_ends.announced(*model.split("=", 1)), model_ends.today()
        why = (
            end.told(today)
            if end is not None and end.is_over(today)
            else f"is {model} right, or has it ended?"
        )
        return ProviderError(f"Soniox does not know it: {why} ({says})")
    if code in RESTARTED or (isinstance(code, int) and code >= 500):
        return ConnectionLost(f"Soniox ended the session: {code} ({says})")
    if code in ADVICE:
        return ProviderError(f"{ADVICE[code]} ({says})", retryable=code == 429)
    asked = " and ".join((model, *others))
    return ProviderError(f"Soniox refuses the request: {code} ({says}); is it because of {asked}?")
