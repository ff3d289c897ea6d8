"""Knobs: what is refused and how, and that docs/settings.md, .env.example and the shell agree."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from annotated_types import Ge, Le
from dotenv import dotenv_values

from server.config import MASCULINE, Config, KnobError, as_environment, load_config, main
from server.knobs import allowed, env_example, knob_table
from server.providers.fallback import FallbackChain
from server.providers.registry import (
    GCLOUD_CREDENTIALS,
    asr_timeout_ms,
    build_llm,
    build_stt,
    build_tts,
    chosen_llm,
    chosen_stt,
    chosen_tts,
)
from server.settings.groups import all_names
from server.settings.turn_params import dialogue_params

ROOT = Path(__file__).parents[2]

# The playbook's block, to the letter.
PLAYBOOK = """
export WS_MODE=${WS_MODE:-AI}

# זיהוי סוף-מבע (VAD)
export MIN_UTT_SEC=${MIN_UTT_SEC:-0.48}        # שקט לסיום
export VAD_HANGOVER_MS=${VAD_HANGOVER_MS:-140} # אינרציה קצרה אחרי שקט
export MAX_UTT_SEC=${MAX_UTT_SEC:-7.0}
export VAD_RMS=${VAD_RMS:-210}                 # סף קול רגיש–בינוני

# קצב “אנושי”
export RESP_MIN_DELAY_MS=${RESP_MIN_DELAY_MS:-220}   # נשימה לפני תשובה
export RESP_MAX_DELAY_MS=${RESP_MAX_DELAY_MS:-360}
export REPLY_REFRACTORY_MS=${REPLY_REFRACTORY_MS:-750} # קירור אחרי דיבור הבוט

# Barge-in (עצירה כשמדברים מעל הבוט)
export BARGE_IN=${BARGE_IN:-true}
export BARGE_IN_VOICE_FRAMES=${BARGE_IN_VOICE_FRAMES:-3}

# אנטי-דופליקציה
export DEDUP_WINDOW_SEC=${DEDUP_WINDOW_SEC:-14}

# “סימן חיים” אם LLM מתעכב (לא חובה)
export THINKING_HINT_MS=${THINKING_HINT_MS:-800}
export THINKING_TEXT_HE=${THINKING_TEXT_HE:-"שנייה… בודקת"}

# ברכה דרך TTS בלבד, לא <Play>
export TWIML_PLAY_GREETING=${TWIML_PLAY_GREETING:-false}
export AI_GREETING_HE=${AI_GREETING_HE:-"שלום! איך אפשר לעזור?"}

# סגנון/אורך תשובות
export LLM_TARGET_STYLE=${LLM_TARGET_STYLE:-"warm_helpful"}
export LLM_MIN_CHARS=${LLM_MIN_CHARS:-140}    # 2–4 משפטים
export LLM_MAX_CHARS=${LLM_MAX_CHARS:-420}
"""


def defaults_of(bash_block: str) -> dict[str, str]:
    pairs = re.findall(r'^export (\w+)=\$\{\1:-"?([^"}\n]*)"?\}', bash_block, re.MULTILINE)
    assert len(pairs) == bash_block.count("export ")
    return dict(pairs)


@pytest.fixture(autouse=True)
def no_knobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the environment of this run nor a developer's .env has a say."""
    for name in Config.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def bounds(name: str) -> tuple[float, float] | None:
    metadata = Config.model_fields[name].metadata
    low = next((m.ge for m in metadata if isinstance(m, Ge)), None)
    high = next((m.le for m in metadata if isinstance(m, Le)), None)
    return None if low is None or high is None else (low, high)  # type: ignore[return-value]


def allowed_of(name: str) -> str:
    return allowed(name, Config.model_fields[name])


NUMBERS = [name for name in Config.model_fields if bounds(name)]
MAYBE_NUMBERS = [name for name in NUMBERS if Config.model_fields[name].default is None]
CHOICES = {
    "ws_mode": "GSM",
    "worker_class": "sync",
    "log_level": "LOUD",
    "vad_engine": "guess",
    "asr_engines": "whisper",
    "llm_engines": "embedded,",
    "tts_engines": "embedded,nobody",
    "google_speech_api": "v3",
    "openai_llm_effort": "some",
    "barge_in": "perhaps",
    "twiml_play_greeting": "2",
    "agent_gender": "neuter",
    "speculative_turns": "maybe",
    "office_holidays": "some",
}


class TestDefaults:
    def test_the_shell_gets_exactly_the_playbooks_defaults(self, tmp_path: Path) -> None:
        exported = subprocess.run(
            ["bash", "-c", 'eval "$("$0" -m server.config export)" && env -0', sys.executable],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            cwd=tmp_path,
            capture_output=True,
            timeout=30,
            check=True,
        ).stdout.decode()
        environment = dict(line.split("=", 1) for line in exported.split("\0") if line)
        expected = defaults_of(PLAYBOOK)
        assert {name: environment.get(name) for name in expected} == expected
        assert set(map(str.upper, Config.model_fields)) <= set(environment)

    def test_what_is_exported_reads_back_as_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        config = load_config(thinking_text_he='a "quoted" $HOME\'s', tts_engines="google,embedded")
        for name, text in as_environment(config).items():
            monkeypatch.setenv(name, text)
        assert load_config() == config

    def test_the_environment_wins_over_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path(".env").write_text("PORT=6000\nVAD_RMS=300\nSOMETHING_ELSE=1\n", encoding="utf-8")
        monkeypatch.setenv("PORT", "7000")
        config = load_config()
        assert (config.port, config.vad_rms) == (7000, 300)

    def test_an_empty_hint_is_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("THINKING_TEXT_HE", "")
        assert dialogue_params(load_config()).hint_after_frames == 0


class TestRefusals:
    @pytest.mark.parametrize("name", NUMBERS)
    def test_a_number_out_of_range_is_named_with_its_range(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        low, high = bounds(name) or (0, 0)
        for bad in (f"{low - 1}", f"{high + 1}", "many", *([] if name in MAYBE_NUMBERS else [""])):
            monkeypatch.setenv(name.upper(), bad)
            with pytest.raises(KnobError) as refused:
                load_config()
            assert (
                str(refused.value) == f"bad settings:\n  {name.upper()}={bad!r}: must be {allowed_of(name)}"
            )
            assert f"from {low} to {high}" in allowed_of(name)

    @pytest.mark.parametrize("name", MAYBE_NUMBERS)
    def test_a_number_that_may_be_empty(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        low, _ = bounds(name) or (0, 0)
        for text, number in (("", None), (" ", None), (f"{low}", low)):
            monkeypatch.setenv(name.upper(), text)
            assert getattr(load_config(), name) == number
        assert allowed_of(name).endswith(", or empty")

    @pytest.mark.parametrize("name", CHOICES)
    def test_a_choice_that_is_none_is_named_with_the_choices(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name.upper(), CHOICES[name])
        if name == "llm_engines":  # a trailing comma is forgiven
            assert load_config().llm_engines == ("embedded",)
            return
        with pytest.raises(KnobError) as refused:
            load_config()
        message = str(refused.value)
        assert f"{name.upper()}=" in message and f"must be {allowed_of(name)}" in message
        assert message.count("\n") == 1

    def test_all_that_is_wrong_is_said_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in NUMBERS:
            monkeypatch.setenv(name.upper(), "many")
        with pytest.raises(KnobError) as refused:
            load_config()
        complaints = str(refused.value).splitlines()[1:]
        assert [line.split("=")[0].strip() for line in complaints] == [name.upper() for name in NUMBERS]

    @pytest.mark.parametrize(
        ("knobs", "says"),
        [
            ({"RESP_MIN_DELAY_MS": "400"}, "RESP_MAX_DELAY_MS=360: must not be below"),
            ({"LLM_MIN_CHARS": "500"}, "LLM_MAX_CHARS=420: must not be below"),
            ({"PUBLIC_BASE_URL": "agent.example.com"}, "must start with http:// or https://"),
            ({"GOOGLE_TTS_ENDPOINT": "host:1"}, "must start with http:// or https://"),
            (
                {"CALLERS_LET_OFF": "+97231234567,anonymous"},
                r"CALLERS_LET_OFF='anonymous': must be numbers like",
            ),
            ({"CALLERS_LET_OFF": "97231234567"}, r"must be numbers like \+97231234567, with commas"),
            ({"TRANSFER_NUMBER": "050-1234567"}, r"must be like \+972501234567"),
            ({"TRANSFER_NUMBER": "+97250123456789012"}, r"must be like \+972501234567"),
            ({"OPENAI_LLM_MODEL": " "}, "must not be empty"),
            ({"OPENAI_STT_MODEL": ""}, "must not be empty"),
            ({"OPENAI_TTS_MODEL": ""}, "must not be empty"),
            ({"OPENAI_TTS_VOICE": ""}, "must not be empty"),
            ({"OFFICE_HOURS": "Sun-Thx 9-18"}, "'Thx' is no day: they are Sun … Sat, or א' … ש'"),
            ({"OFFICE_HOURS": "daily"}, "'daily' must be like Sun-Thu 09:00-18:00"),
        ],
    )
    def test_knobs_that_contradict_each_other(
        self, knobs: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in knobs.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(KnobError, match=says) as refused:
            load_config()
        assert all(f"{name}=" in str(refused.value) for name in knobs)

    def test_the_command_fails_with_the_message_only(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PORT", "0")
        assert main(["export"]) == 1
        out, err = capsys.readouterr()
        assert out == "" and err == "bad settings:\n  PORT='0': must be a whole number from 1 to 65535\n"

    def test_wrong_usage(self) -> None:
        assert main([]) == 2
        assert main(["tables"]) == 2


class TestGender:
    """AGENT_GENDER=masculine: a man's name, voices and hint, where the user has not said otherwise."""

    def test_a_man(self, monkeypatch: pytest.MonkeyPatch) -> None:
        woman = load_config()
        monkeypatch.setenv("AGENT_GENDER", "masculine")
        man = load_config()
        changed = {name for name in Config.model_fields if getattr(man, name) != getattr(woman, name)}
        assert changed == {*MASCULINE, "agent_gender"}
        assert man.thinking_text_he == "שנייה… בודק" and "נציג אדיב" in man.agent_persona
        assert (man.google_tts_voice, man.openai_tts_voice) == ("he-IL-Wavenet-B", "cedar")

    def test_the_file_says_it_too(self) -> None:
        Path(".env").write_text("AGENT_GENDER=masculine\n", encoding="utf-8")
        assert load_config().google_tts_voice == MASCULINE["google_tts_voice"]

    def test_what_the_user_has_set_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An empty hint is a hint that is off, and not one that is not set."""
        Path(".env").write_text("OPENAI_TTS_VOICE=echo\n", encoding="utf-8")
        monkeypatch.setenv("THINKING_TEXT_HE", "")
        man = load_config(agent_gender="masculine", google_tts_voice="he-IL-Wavenet-D")
        assert (man.openai_tts_voice, man.thinking_text_he) == ("echo", "")
        assert man.google_tts_voice == "he-IL-Wavenet-D"
        assert man.agent_persona == MASCULINE["agent_persona"]

    def test_what_a_man_exports_reads_back_as_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        man = load_config(agent_gender="masculine")
        for name, text in as_environment(man).items():
            monkeypatch.setenv(name, text)
        assert load_config() == man


class TestSecrets:
    """OPENAI_API_KEY is in the environment of the shell that asks for it, and nowhere else."""

    KEY = "sk-very-secret"

    def test_it_is_in_no_text_of_the_knobs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", self.KEY)
        config = load_config()
        assert config.openai_api_key.get_secret_value() == self.KEY
        for text in (
            repr(config),
            str(config),
            f"{config}",
            repr(config.model_dump()),
            knob_table(Config.model_fields),
        ):
            assert self.KEY not in text

    @pytest.mark.parametrize(
        "wrong",
        [{"PORT": "0"}, {"RESP_MIN_DELAY_MS": "400"}, {"OPENAI_BASE_URL": "here"}, {"LLM_ENGINES": "x"}],
    )
    def test_it_is_in_no_complaint(self, wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in ({"OPENAI_API_KEY": self.KEY} | wrong).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(KnobError) as refused:
            load_config()
        assert self.KEY not in str(refused.value) and self.KEY not in repr(refused.value)
        assert refused.value.__cause__ is None and refused.value.__suppress_context__

    def test_a_key_with_an_invisible_mark_is_refused_and_not_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One pasted with a right-to-left mark would fail in every call, and nobody would see why."""
        monkeypatch.setenv("OPENAI_API_KEY", self.KEY + "\u200f")
        with pytest.raises(KnobError, match="OPENAI_API_KEY: has a character that no key has") as refused:
            load_config()
        assert self.KEY not in str(refused.value)
        monkeypatch.setenv("OPENAI_API_KEY", f" {self.KEY}\u00a0\n")
        assert self.KEY in load_config().openai_api_key.get_secret_value()

    @pytest.mark.parametrize(
        "url",
        ["https://host", "host:6379", "redis://:s3cret@host:port", "redis://:s3cret@host?db=x", "redis"],
    )
    def test_a_redis_url_that_cannot_be_is_refused_and_not_told(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may hold a password."""
        monkeypatch.setenv("REDIS_URL", url)
        with pytest.raises(
            KnobError, match="REDIS_URL: must be like redis://:password@host:6379/0"
        ) as refused:
            load_config()
        assert "s3cret" not in str(refused.value)

    @pytest.mark.parametrize(
        "url", ["", "redis://host", "rediss://user:s3cret@host:6380/1", "unix:///run/redis.sock"]
    )
    def test_a_redis_url_is_in_no_text_of_the_knobs(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REDIS_URL", url)
        config = load_config()
        assert config.redis_url.get_secret_value() == url
        assert "s3cret" not in f"{config!r} {config} {config.model_dump()}"

    @pytest.mark.parametrize("token", ["a" * 31 + " ", "טוקן", f"AC{1:032x}", f"SK{1:032x}"])
    def test_an_auth_token_that_cannot_be_is_refused_and_not_told(
        self, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every call would be refused, and nobody would see why."""
        monkeypatch.setenv("TWILIO_AUTH_TOKEN", token)
        with pytest.raises(KnobError, match="TWILIO_AUTH_TOKEN: ") as refused:
            load_config()
        assert token not in str(refused.value)

    def test_a_password_in_a_url_is_not_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", "ftp://user:s3cret@host")
        with pytest.raises(KnobError, match="OPENAI_BASE_URL='ftp://…@host'"):
            load_config()

    @pytest.mark.parametrize(
        "knobs, host",
        [
            ({}, "127.0.0.1"),
            ({"twilio_auth_token": "a" * 32}, "0.0.0.0"),
            ({"bind_host": "0.0.0.0"}, "0.0.0.0"),
            ({"bind_host": "10.0.0.1", "twilio_auth_token": "a" * 32}, "10.0.0.1"),
        ],
    )
    def test_an_open_server_listens_to_its_own_machine(self, knobs: dict[str, str], host: str) -> None:
        """Unless it is told otherwise."""
        assert Config(_env_file=None, **knobs).listen_host == host

    def test_the_shell_gets_it(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", self.KEY + " '$x'")
        assert main(["export"]) == 0
        (line,) = (line for line in capsys.readouterr().out.splitlines() if self.KEY in line)
        assert shlex.split(line) == ["export", f"OPENAI_API_KEY={self.KEY} '$x'"]


class TestChosenProviders:
    """ASR_ENGINES, LLM_ENGINES, TTS_ENGINES empty: what the credentials present allow."""

    @pytest.fixture(autouse=True)
    def home(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        """Nobody's credentials but the test's."""
        home = tmp_path / "home"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        return home

    @staticmethod
    def chosen(**knobs: str) -> tuple[tuple[str, ...], ...]:
        config = load_config(**knobs)
        return chosen_stt(config), chosen_llm(config), chosen_tts(config)

    @pytest.mark.parametrize(
        ("knobs", "stt", "llms", "voices"),
        [
            ({}, ["embedded"], ["embedded"], ["embedded"]),
            (
                {"google_application_credentials": "key.json"},
                ["google"],
                ["embedded"],
                ["google", "embedded"],
            ),
            (
                {"openai_api_key": "sk"},
                ["openai"],
                ["openai", "embedded"],
                ["openai", "embedded"],
            ),
            (
                {"openai_api_key": "sk", "google_application_credentials": "key.json"},
                ["google", "openai"],
                ["openai", "embedded"],
                ["google", "openai", "embedded"],
            ),
            # A server of one's own with OpenAI's protocol needs no key, and may have no STT or voice.
            ({"openai_base_url": "http://h/v1"}, ["embedded"], ["openai", "embedded"], ["embedded"]),
            (
                {"openai_api_key": "sk", "asr_engines": "embedded", "tts_engines": "scripted,google"},
                ["embedded"],
                ["openai", "embedded"],
                ["scripted", "google"],
            ),
            (
                {"openai_api_key": "sk", "llm_engines": "embedded"},
                ["openai"],
                ["embedded"],
                ["openai", "embedded"],
            ),
        ],
    )
    def test_by_the_credentials_present(
        self, knobs: dict[str, str], stt: list[str], llms: list[str], voices: list[str]
    ) -> None:
        assert self.chosen(**knobs) == (tuple(stt), tuple(llms), tuple(voices))

    @pytest.mark.parametrize(
        ("knobs", "stt", "timeout_ms"),
        [
            ({}, "embedded", 1200),
            ({}, "", 1200),
            ({"openai_api_key": "sk"}, "openai", 1200),  # hears while the caller speaks
            ({"openai_api_key": "sk", "openai_stt_model": "gpt-transcribe"}, "openai", 2600),
            ({"asr_engines": "google,openai", "openai_stt_model": "whisper"}, "google", 1200),
            ({"asr_engines": "google,openai", "openai_stt_model": "whisper"}, "openai", 2600),
            ({"asr_engines": "openai,google"}, "google", 1200),
            ({"openai_api_key": "sk", "asr_timeout_ms": "900"}, "openai", 900),
            ({"asr_timeout_ms": "3000"}, "google", 3000),
        ],
    )
    def test_g1_stt_that_begin_at_the_end_get_longer(
        self, knobs: dict[str, str], stt: str, timeout_ms: int
    ) -> None:
        """G1: those at work count, and not the first of the list."""
        assert asr_timeout_ms(load_config(**knobs), stt) == timeout_ms

    def test_credentials_that_gcloud_left_count(self, home: Path) -> None:
        credentials = home / GCLOUD_CREDENTIALS
        credentials.mkdir(parents=True)
        assert self.chosen()[0] == ("embedded",)
        credentials.rmdir()
        credentials.touch()
        assert self.chosen() == (("google",), ("embedded",), ("google", "embedded"))

    def test_they_are_built_in_that_order_with_the_breakers_knobs(self) -> None:
        now = [0.0]
        runtime = SimpleNamespace(clock=lambda: now[0])
        config = load_config(
            asr_engines="scripted,scripted",
            llm_engines="scripted,embedded",
            tts_engines="scripted,scripted",
            breaker_failures=2,
            breaker_open_sec=7,
        )
        builders: list[Callable[..., FallbackChain[Any]]] = [build_stt, build_llm, build_tts]
        for build in builders:
            chain = build(config, runtime)
            assert len(list(chain)) == 2 and chain.first.name == "scripted"
            first, _ = chain.tries()
            first.failed("down")
            first, second = chain.tries()
            first.failed("down")
            assert [attempt.provider for attempt in chain.tries()] == [second.provider]
            now[0] += 6.9
            assert len(list(chain.tries())) == 1
            now[0] += 0.2
            assert len(list(chain.tries())) == 2


class TestDocuments:
    def test_the_tables_of_the_settings_page_are_the_codes(self) -> None:
        parts = (ROOT / "docs/settings.md").read_text(encoding="utf-8").split("<!-- settings -->")
        assert len(parts) == 3, "docs/settings.md has the tables between two <!-- settings --> lines"
        drifted = "python -m server.config table prints other tables"
        assert parts[1].strip() == knob_table(Config.model_fields), drifted

    def test_every_setting_is_in_one_group(self) -> None:
        assert sorted(all_names()) == sorted(name.upper() for name in Config.model_fields)

    def test_env_example_is_the_codes(self) -> None:
        text = (ROOT / ".env.example").read_text(encoding="utf-8")
        assert text == env_example(Config.model_fields) + "\n", (
            "python -m server.config env-example > .env.example"
        )

    def test_env_example_without_its_comment_signs_changes_nothing(self) -> None:
        lines = re.sub(r"^#(?=[A-Z_]+=)", "", env_example(Config.model_fields), flags=re.MULTILINE)
        Path(".env").write_text(lines, encoding="utf-8")
        assert set(dotenv_values(".env")) == {name.upper() for name in Config.model_fields}
        assert load_config() == load_config(_env_file=None)

    @pytest.mark.parametrize("word", ["table", "env-example"])
    def test_the_commands_print_them(self, word: str, capsys: pytest.CaptureFixture[str]) -> None:
        documents = {"table": knob_table, "env-example": env_example}
        assert main([word]) == 0
        assert capsys.readouterr().out.strip() == documents[word](Config.model_fields)
