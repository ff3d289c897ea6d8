"""The knobs of numbers and traces; a part of ``server.config.Config``."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr
from pydantic_settings import BaseSettings

from server.knobs import knob
from server.settings.knob_types import ServiceUrl

LEAST_TOKEN_CHARACTERS = 16


def _not_to_be_guessed(token: SecretStr) -> SecretStr:
    if 0 < len(token.get_secret_value()) < LEAST_TOKEN_CHARACTERS:
        raise ValueError(f": must have at least {LEAST_TOKEN_CHARACTERS} characters")
    return token


class MetricsKnobs(BaseSettings):
    metrics_token: Annotated[SecretStr, AfterValidator(_not_to_be_guessed)] = knob(
        SecretStr(""), "Opens /metrics (Authorization: Bearer …); empty: to this machine, while not public."
    )
    otel_exporter_otlp_endpoint: ServiceUrl = knob(
        "", "Where OpenTelemetry traces go by OTLP over HTTP: http://localhost:4318; empty: nowhere."
    )
    otel_exporter_otlp_headers: SecretStr = knob(
        SecretStr(""), "Headers that go with them, as api-key=…,name=value."
    )
