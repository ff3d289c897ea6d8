"""What ends when is told: by `check`, by the start, and by the error of a model that is gone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from server.audio.vad import EnergyOnly
from server.config import Config, load_config
from server.providers import model_ends, preflight
from server.providers.base import ModelMayEnd, ProviderError
from server.providers.model_ends import ANNOUNCED, INSTEAD, NEAR_DAYS, ModelEnd, announced
from server.providers.openai.client import close_clients, warm
from server.providers.openai.endpoint import Endpoint, llm_endpoint, tts_endpoint
from server.providers.openai.ends import end_of, keep_missing, keep_told, not_known
from server.providers.openai.realtime import error_of
from server.providers.preflight import ends
from server.providers.provider_set import Providers, build_providers
from server.providers.registry import build_llm, build_stt, build_tts
from server.providers.soniox import service as soniox
from server.providers.tts_cache import TtsCache, speak_whole
from server.runtime.threads import Threads
from tests.cloud import openai_models
from tests.cloud.openai import OpenAICloud

BEFORE, AFTER = date(2026, 11, 29), date(2027, 1, 7)
DEFAULTS = {name.upper(): field.default for name, field in Config.model_fields.items()}
OURS = Endpoint("", "sk-x", "gpt-4o-mini-tts", "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_TTS_MODEL")
GONE = "OPENAI_TTS_MODEL=gpt-4o-mini-tts has ended on 2027-01-06: set OPENAI_TTS_MODEL=gpt-realtime-2.1-mini"
OPENAI_ALONE = {"asr_engines": "openai", "llm_engines": "openai", "tts_engines": "openai,embedded"}


@pytest.fixture
def cloud() -> Iterator[OpenAICloud]:
    with OpenAICloud() as cloud:
        yield cloud
    close_clients()


@pytest.fixture(autouse=True)
def before(monkeypatch: pytest.MonkeyPatch) -> None:
    set_today(monkeypatch, BEFORE)


def set_today(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    monkeypatch.setattr(model_ends, "today", lambda: day)


def config_of(cloud: OpenAICloud, **settings: Any) -> Config:
    return load_config(_env_file=None, openai_base_url=cloud.base_url, openai_api_key="sk-test", **settings)


def providers_of(config: Config) -> Providers:
    """Without fixed lines: nothing is spoken."""
    return replace(build_providers(config, Threads()), tts_cache=TtsCache([], ["x"]), new_speech=EnergyOnly)


class TestTable:
    def test_it_is_what_the_local_cloud_tells(self) -> None:
        for model, day in openai_models.ENDS.items():
            end = announced("OPENAI_LLM_MODEL", model)
            assert (end and str(end.on)) == day, model

    def test_a_snapshot_ends_with_its_model(self) -> None:
        end = announced("OPENAI_TTS_MODEL", "gpt-4o-mini-tts-2025-12-15")
        assert end == ModelEnd("OPENAI_TTS_MODEL", "gpt-4o-mini-tts-2025-12-15", date(2027, 1, 6))
        assert announced("OPENAI_TTS_MODEL", "gpt-4o-mini-tts-live") is None

    def test_vendors_have_their_own(self) -> None:
        assert announced("SONIOX_TTS_MODEL", "tts-1") is None
        assert announced("OPENAI_TTS_MODEL", "tts-rt-v1") is None
        assert announced("GOOGLE_TTS_VOICE", "tts-1") is None

    @pytest.mark.parametrize("setting", INSTEAD)
    def test_what_is_advised_has_no_end(self, setting: str) -> None:
        assert [announced(setting, model) for model in INSTEAD[setting]] == [None] * len(INSTEAD[setting])

    def test_a_default_has_no_end(self) -> None:
        models = {name: model for name, model in DEFAULTS.items() if name.endswith("_MODEL") and model}
        assert set(INSTEAD) <= set(models)
        ending = {name: model for name, model in models.items() if announced(name, model)}
        assert ending == {}

    def test_every_date_is_one(self) -> None:
        assert all(date.fromisoformat(day) for days in ANNOUNCED.values() for day in days)


class TestTold:
    END = ModelEnd("OPENAI_LLM_MODEL", "gpt-4o-mini", date(2027, 1, 14))

    @pytest.mark.parametrize(
        ("today", "when"),
        [
            (date(2026, 11, 29), "ends on 2027-01-14, in 46 days"),
            (date(2027, 1, 13), "ends on 2027-01-14, in 1 day"),
            (date(2027, 1, 14), "has ended on 2027-01-14"),
            (date(2028, 1, 1), "has ended on 2027-01-14"),
        ],
    )
    def test_what_when_and_what_to_set(self, today: date, when: str) -> None:
        instead = "set OPENAI_LLM_MODEL=gpt-5.4-mini or OPENAI_LLM_MODEL=gpt-6-luna"
        assert self.END.told(today) == f"OPENAI_LLM_MODEL=gpt-4o-mini {when}: {instead}"

    def test_near(self) -> None:
        first = date.fromordinal(self.END.on.toordinal() - NEAR_DAYS)
        assert self.END.is_near(first) and self.END.is_near(date(2030, 1, 1))
        assert not self.END.is_near(date.fromordinal(first.toordinal() - 1))

    def test_a_setting_without_advice(self) -> None:
        assert ModelEnd("X_MODEL", "x", BEFORE).told(AFTER).endswith(": set X_MODEL to another model")


class TestServerTells:
    def test_its_date_comes_before_the_announced_one(self, cloud: OpenAICloud) -> None:
        cloud.models.ends["gpt-4o-mini-tts"] = "2027-03-01"
        endpoint = tts_endpoint(config_of(cloud, openai_tts_model="gpt-4o-mini-tts"))
        assert end_of(endpoint) is None  # a server of one's own, not asked yet
        warm(endpoint)
        assert (end := end_of(endpoint)) is not None and end.on == date(2027, 3, 1)

    def test_no_end_is_told_too(self) -> None:
        endpoint = replace(OURS, model="gpt-5-nano", base_url="https://eu.api.openai.com/v1")
        assert end_of(endpoint) is not None
        keep_told(endpoint, b'{"id": "gpt-5-nano", "shutdown_date": null}')
        assert end_of(endpoint) is None

    @pytest.mark.parametrize(
        "body",
        [b"", b"<h1>", b"[]", b"7", b'{"id":"x"}', b'{"shutdown_date":"soon"}', b'{"shutdown_date":7}'],
    )
    def test_a_server_that_tells_none(self, body: bytes) -> None:
        """The announcements are OpenAI's: a Whisper of one's own is called whisper-1 for ever."""
        for base_url, known in {
            "": True,
            "https://api.openai.com/v1": True,
            "http://whisper/v1": False,
        }.items():
            endpoint = replace(OURS, model="whisper-1", base_url=base_url)
            keep_told(endpoint, body)
            assert (end_of(endpoint) is not None) == known

    def test_a_host_that_only_looks_like_openai_s(self) -> None:
        for host in ("notapi.openai.com", "api.openai.com.example", "api.openai.com@example"):
            assert end_of(replace(OURS, base_url=f"https://{host}/v1")) is None


class TestGone:
    def test_the_error_says_when_and_what_to_set(
        self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_today(monkeypatch, AFTER)
        cloud.models.today = str(AFTER)
        voices = build_tts(config_of(cloud, openai_tts_model="gpt-4o-mini-tts"), Threads())
        with pytest.raises(ProviderError) as raised:
            list(voices.first.synthesize("שלום", 5))
        assert GONE in str(raised.value) and not raised.value.retryable

    def test_the_realtime_api_s_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_today(monkeypatch, AFTER)
        error = error_of(OURS, {"code": "model_not_found", "message": "deprecated"})
        assert str(error) == f"OpenAI does not know it: {GONE} (deprecated)"

    def test_before_its_end_the_name_is_asked_about(self) -> None:
        """A key may not have the model, or the URL be wrong."""
        assert not_known(OURS) == "is OPENAI_TTS_MODEL=gpt-4o-mini-tts right?"

    def test_a_server_of_others_that_lost_it_goes_by_the_announcements(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proxy = replace(OURS, base_url="http://a-proxy/v1")
        keep_missing(proxy)
        assert end_of(proxy) is None
        set_today(monkeypatch, AFTER)
        keep_missing(proxy)
        assert (end := end_of(proxy)) is not None and end.is_over(AFTER)

    def test_soniox(self) -> None:
        gone = {"error_code": 400, "error_type": "model_not_available", "error_message": "no"}
        error = soniox.error_of(gone, "SONIOX_TTS_MODEL=tts-rt-v1")
        told = "SONIOX_TTS_MODEL=tts-rt-v1 has ended on 2026-08-31: set SONIOX_TTS_MODEL=tts-rt-v2"
        assert told in str(error)
        assert "is SONIOX_TTS_MODEL=x right" in str(soniox.error_of(gone, "SONIOX_TTS_MODEL=x"))

    def test_the_chain_goes_on(self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch) -> None:
        set_today(monkeypatch, AFTER)
        cloud.models.today = str(AFTER)
        config = config_of(cloud, openai_tts_model="gpt-4o-mini-tts", tts_engines="openai,scripted")
        complaints: list[Any] = []
        spoken = speak_whole("שלום", build_tts(config, Threads()), complaints.append)
        assert spoken is not None and spoken.identity.startswith("scripted")
        assert GONE in str(complaints[0])


class TestStart:
    def test_what_ends_soon_is_logged_once_a_model(
        self, cloud: OpenAICloud, caplog: pytest.LogCaptureFixture
    ) -> None:
        cloud.models.ends |= {"tts-1": "2027-02-27", "gpt-4o": "2027-02-28", "gpt-transcribe": None}
        config = config_of(
            cloud,
            openai_stt_model="gpt-transcribe",
            openai_llm_model="gpt-4o",
            openai_tts_model="tts-1",
            **OPENAI_ALONE,
        )
        providers_of(config).warm()
        told = [message for message in caplog.messages if message.startswith("MODEL_ENDS")]
        assert told == [
            "MODEL_ENDS: tts openai: OPENAI_TTS_MODEL=tts-1 ends on 2027-02-27, in 90 days: "
            "set OPENAI_TTS_MODEL=gpt-realtime-2.1-mini"
        ]
        assert [record.levelname for record in caplog.records if "MODEL_ENDS" in record.message] == [
            "WARNING"
        ]

    def test_one_that_has_ended_is_a_failure_and_is_told(
        self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        set_today(monkeypatch, AFTER)
        cloud.models.today = str(AFTER)
        config = config_of(cloud, openai_tts_model="gpt-4o-mini-tts", **OPENAI_ALONE)
        providers_of(config).warm()
        assert f"MODEL_ENDS: tts openai: {GONE}" in caplog.messages


class TestCheck:
    def test_a_line_for_each_that_ends(self, cloud: OpenAICloud) -> None:
        config = config_of(
            cloud,
            openai_stt_model="whisper-1",
            openai_llm_model="gpt-5.1",
            openai_tts_model="gpt-realtime-2.1-mini",
            **OPENAI_ALONE,
        )
        providers = providers_of(config)
        warm(llm_endpoint(config))
        providers.stt.first.warm()
        assert [line.partition(":")[0] for line in ends(providers, BEFORE)] == [
            "OPENAI_STT_MODEL=whisper-1 ends on 2027-02-26, in 89 days",
            "OPENAI_LLM_MODEL=gpt-5.1 ends on 2027-04-01, in 123 days",
        ]

    def test_check_prints_them(
        self, cloud: OpenAICloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        set_today(monkeypatch, AFTER)
        cloud.models.today = str(AFTER)
        config = config_of(
            cloud, openai_tts_model="gpt-4o-mini-tts", **(OPENAI_ALONE | {"asr_engines": "scripted"})
        )
        monkeypatch.setattr(preflight, "load_config_to_start", lambda: config)
        preflight.main()
        printed = capsys.readouterr().out.splitlines()
        assert GONE in printed
        assert [
            line for line in printed if line.startswith("tts    openai") and " NO " in line and GONE in line
        ]


@pytest.mark.parametrize("tts_model", [*INSTEAD["OPENAI_TTS_MODEL"], "gpt-4o-mini-tts"])
@pytest.mark.parametrize("stt_model", [*INSTEAD["OPENAI_STT_MODEL"], "gpt-transcribe"])
def test_every_provider_of_openai_tells(stt_model: str, tts_model: str) -> None:
    config = Config(_env_file=None, openai_stt_model=stt_model, openai_tts_model=tts_model, **OPENAI_ALONE)  # type: ignore[call-arg, arg-type]
    first = (build(config, Threads()).first for build in (build_stt, build_llm, build_tts))
    assert all(isinstance(provider, ModelMayEnd) for provider in first)
