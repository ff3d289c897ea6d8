"""What would be accepted and fail in every call is refused at the start (faults 39, 40, F12, newcomer 15)."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config import Config, KnobError, as_environment, load_config
from server.knobs import without_quotes
from server.settings.plausible import is_like_an_auth_token, why_no_secret
from server.settings.url_secrets import shown

TOKEN = "0123456789abcdef" * 2
KEY = json.dumps({"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEsecret\n"})
BASE = "https://agent.example.com"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def refused(**knobs: str) -> str:
    with pytest.raises(KnobError) as error:
        load_config(**knobs)
    return str(error.value)


class TestQuotes:
    """``docker --env-file`` hands over the quotes: a pair around a value is no part of it, whatever it is."""

    @pytest.mark.parametrize("name", Config.model_fields)
    @pytest.mark.parametrize("quote", ["'", '"'])
    def test_every_setting_alike(self, name: str, quote: str, monkeypatch: pytest.MonkeyPatch) -> None:
        text = as_environment(load_config())[name.upper()]
        samples = {"twilio_auth_token": TOKEN, "redis_url": "redis://h:1/0", "public_base_url": BASE}
        text = samples.get(name, text)
        monkeypatch.setenv(name.upper(), text)
        bare = load_config()
        monkeypatch.setenv(name.upper(), f"{quote}{text}{quote}")
        assert load_config() == bare

    def test_gershayim_inside_stay(self) -> None:
        assert load_config(ai_greeting_he='"דן ובניו בע"מ"').ai_greeting_he == 'דן ובניו בע"מ'
        assert load_config(office_hours="'א'-ה' 09:00-18:00'").office_hours == "א'-ה' 09:00-18:00"
        assert load_config(ai_greeting_he='"').ai_greeting_he == '"'

    @given(st.text(st.sampled_from("אב\"' x")))
    def test_once_without_always_without(self, text: str) -> None:
        """What the start script exports reads back as the same."""
        assert without_quotes(without_quotes(text)) == without_quotes(text)

    @pytest.mark.parametrize("name", ["twilio_auth_token", "openai_api_key", "redis_url"])
    @pytest.mark.parametrize("half", ['"{}', "{}'", "“{}”", '{}"'])
    def test_half_a_pair_in_a_secret_is_refused(self, name: str, half: str) -> None:
        secret = "redis://h:6379/0" if name == "redis_url" else TOKEN
        message = refused(**{name: half.format(secret)})
        assert f"  {name.upper()}: " in message and secret not in message


class TestSecrets:
    @pytest.mark.parametrize(
        "placeholder",
        ["changeme", "CHANGE_ME", "change-this", "your-token-here", "your_auth_token", "<your token>", "xxx"]
        + ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "sk-xxxx", "sk-your-key-here", "sk-...", "...", "placeholder"]
        + ["<TOKEN>", "[token]", "{{token}}", "$TWILIO_AUTH_TOKEN", "${OPENAI_API_KEY}", "%TOKEN%", "todo"]
        + [
            "auth_token",
            "api-key",
            "my-api-key",
            "insert_token_here",
            "paste-your-key",
            "none",
            "***",
            "REPLACE_ME",
        ],
    )
    @pytest.mark.parametrize("name", ["twilio_auth_token", "openai_api_key"])
    def test_a_placeholder_is_no_secret(self, name: str, placeholder: str) -> None:
        assert f"  {name.upper()}: is a placeholder" in refused(**{name: placeholder}) or " " in placeholder

    @pytest.mark.parametrize("key", ["EMPTY", "none", "dummy", "not-needed"])
    def test_a_server_of_ones_own_takes_any_key(self, key: str) -> None:
        assert load_config(openai_api_key=key, openai_base_url="http://h/v1")

    @given(
        st.text("0123456789abcdef", min_size=32, max_size=32),
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=40, max_size=160),
    )
    def test_a_real_one_is_none(self, token: str, key: str) -> None:
        assert why_no_secret(token) == "" == why_no_secret(f"sk-proj-{key}")
        assert is_like_an_auth_token(token)

    @pytest.mark.parametrize("token", ["a" * 31, "A" * 32, "secret", "a" * 33])
    def test_what_is_not_like_twilios_is_no_secret_of_twilios(self, token: str) -> None:
        """Taken all the same, for a simulated caller may share any; it is told at the start."""
        assert load_config(twilio_auth_token=token) and not is_like_an_auth_token(token)


class TestGooglesKey:
    @pytest.mark.parametrize(
        "content",
        [KEY, f"'{KEY}'", f"  {KEY}", json.dumps(json.loads(KEY), indent=2), KEY.replace("\\n", "\n")]
        + [base64.b64encode(text.encode()).decode() for text in (KEY * 2, "{\n " + KEY, "-----BEGIN" + KEY)]
        + ["-----BEGIN PRIVATE KEY-----\nMIIEsecret", "AIza" + "Sy0secret" * 4],
    )
    def test_a_key_in_the_place_of_its_path_is_refused_and_not_told(self, content: str) -> None:
        message = refused(google_application_credentials=content)
        assert message.startswith("bad settings:\n  GOOGLE_APPLICATION_CREDENTIALS: must be the path of a")
        assert content not in message and "secret" not in message and len(message) < 200

    def test_nor_anywhere_else(self, tmp_path: Path) -> None:
        """On neither stream of what the start script runs, from the environment or the file."""
        root = Path(__file__).parents[2]
        base = {name: value for name, value in os.environ.items() if name.lower() not in Config.model_fields}
        (tmp_path / ".env").write_text(f"GOOGLE_APPLICATION_CREDENTIALS='{KEY}'\n")
        for more in ({}, {"GOOGLE_APPLICATION_CREDENTIALS": KEY, "PORT": "x"}):
            for module in ("server.providers.preflight", "server.config"):
                done = subprocess.run(
                    [sys.executable, "-m", module, "export"],
                    env=base | {"PYTHONPATH": str(root)} | more,
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                assert done.returncode == 1 and "MIIEsecret" not in done.stdout + done.stderr

    @pytest.mark.parametrize(
        "path", ["/srv/agent/key.json", "~/key.json", "eyes.json", "C:\\keys\\my key.json", ""]
    )
    def test_a_path_is_one(self, path: str) -> None:
        assert load_config(google_application_credentials=path)


class TestAddresses:
    @pytest.mark.parametrize(
        ("url", "meant"),
        [
            (f"{BASE}/webhook/incoming_call", BASE),
            (f"{BASE}/webhook/incoming_call/", BASE),
            (f"{BASE}/webhook/stream_ended", BASE),
            (f"{BASE}/webhook", BASE),
            (f"{BASE}/ws/twilio-media", BASE),
            (f"{BASE}/healthz", BASE),
            (f"{BASE}/media/greeting.wav", BASE),
            (f"{BASE}/agent/webhook/incoming_call", f"{BASE}/agent"),
            (f"{BASE}:8443/webhook/incoming_call?x=1", f"{BASE}:8443"),
            (f"{BASE}?x=1", BASE),
            (f"{BASE}/?", BASE),
            (f"{BASE}/#here", BASE),
            (f"{BASE}/agent/?a=b#c", f"{BASE}/agent"),
            ("https://", BASE),
            ("https:///agent", BASE),
            ("https://https://agent.example.com", BASE),
            ("https://agent.example.com\u200f", BASE),
            ("https://agent.example.com:port", BASE),
        ],
    )
    def test_a_base_url_that_would_refuse_every_call(self, url: str, meant: str) -> None:
        message = refused(public_base_url=url)
        assert f"  PUBLIC_BASE_URL={shown(url)!r}: must " in message and message.endswith(f" {meant}")

    @pytest.mark.parametrize(
        "url",
        [
            BASE,
            f"{BASE}/",
            f"{BASE}/agent",
            f"{BASE}:8443/media/agent/",
            "http://127.0.0.1:5000",
            f"{BASE}/hooks",
        ],
    )
    def test_one_that_is_right(self, url: str) -> None:
        assert load_config(public_base_url=url).public_base_url == url

    def test_its_password_is_not_told(self) -> None:
        assert "s3cret" not in refused(public_base_url="https://a:s3cret@agent.example.com/webhook")

    @pytest.mark.parametrize(
        "host",
        [
            "agent.example.com/webhook/incoming_call",
            "https://agent.example.com/agent",
            "agent.example.com?x=1",
        ]
        + [
            "agent.example.com#x",
            "wss://agent.example.com",
            "agent example",
            "agent.example.com\u200f",
            "//h",
        ],
    )
    def test_a_host_with_more_than_its_name(self, host: str) -> None:
        assert f"  PUBLIC_HOST={shown(host)!r}: must be a host's name only, like " in refused(
            public_host=host
        )

    @pytest.mark.parametrize(
        "host",
        [
            "agent.example.com",
            "agent.example.com:8443",
            "https://agent.example.com/",
            "127.0.0.1",
            "[::1]:80",
        ],
    )
    def test_a_host(self, host: str) -> None:
        assert load_config(public_host=host)


def test_all_of_these_are_said_at_once() -> None:
    message = refused(twilio_auth_token="changeme", public_host="a/b", llm_min_chars="500")
    assert message.count("\n") == 3


@pytest.mark.parametrize(
    "name",
    [
        "leads_file",
        "state_file",
        "tts_cache_dir",
        "llm_prompt_file",
        "asr_phrases_file",
        "lines_file",
        "pronunciations_file",
    ],
)
def test_newcomer_17_a_home_folder_in_a_path(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert getattr(load_config(**{name: "~/cache"}), name) == f"{tmp_path}/cache"
    assert getattr(load_config(**{name: "'~/cache'"}), name) == f"{tmp_path}/cache"
    assert getattr(load_config(**{name: ""}), name) == ""


def test_a_file_that_we_write_is_no_other_ones(tmp_path):
    """The store would move the leads away as a broken file of its own."""
    leads = tmp_path / "leads.jsonl"
    leads.touch()
    (tmp_path / "link").symlink_to(leads)
    message = refused(leads_file=str(leads), state_file=str(tmp_path / "link"))
    assert f"  LEADS_FILE={str(leads)!r}: must not be the file of STATE_FILE" in message
    assert refused(leads_file="lines.txt", lines_file="lines.txt").count("must not be") == 1
    assert Config(leads_file="", state_file="")
