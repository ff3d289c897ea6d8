"""The first page says what is in use, what is missing, and what the last calls were."""

import re
from pathlib import Path
from typing import Any

import pytest

from server.records.database import WITHIN_S, Database
from server.records.rows import call_record
from server.records.store import put
from tests.pages.site import TOKEN, app_of
from tests.records.facts import AT, call

LIVE = {
    "twilio_auth_token": TOKEN,
    "public_base_url": "https://agent.example.com",
    "asr_engines": ("openai",),
    "llm_engines": ("openai", "embedded"),
    "tts_engines": ("openai",),
    "openai_api_key": "sk-" + "Ab3" * 16,
}


def shown(lang: str = "en", prefix: str = "", allowed: Any = lambda: True, **knobs: Any) -> str:
    app = app_of(allowed=allowed, prefix=prefix, **knobs)
    page = app.test_client().get(f"{prefix}/?lang={lang}")
    assert page.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", page.text).split())


def kept(tmp_path: Path, *calls: Any) -> str:
    file = str(tmp_path / "records.db")
    database = Database("", file)
    database.run(WITHIN_S, lambda connection: put(connection, [call_record(one) for one in calls], AT))
    return file


def test_a_server_without_credentials_says_what_is_missing() -> None:
    engines = dict.fromkeys(("asr_engines", "llm_engines", "tts_engines"), ("embedded",))
    page = shown(**engines)
    assert "0 of 5" in page and page.count("missing") == 5
    for missing in ("OPENAI_API_KEY", "Set TWILIO_AUTH_TOKEN", "Set PUBLIC_BASE_URL"):
        assert missing in page
    assert "https://…/webhook/incoming_call" in page
    assert "Speech recognition (STT) embedded" in page and "There was no call yet" not in page


def test_the_same_in_hebrew() -> None:
    page = shown("he")
    assert "0 מתוך 5" in page and "להגדיר TWILIO_AUTH_TOKEN" in page and "ספקי scripted" in page


def test_step_by_step(tmp_path: Path) -> None:
    assert "3 of 5" in shown(**LIVE)
    rang = kept(tmp_path, call("CA1", turns=0))
    assert "4 of 5" in shown(**LIVE, records_file=rang)
    kept(tmp_path, call("CA2", turns=3))
    page = shown(**LIVE, records_file=rang)
    assert "5 of 5" in page and "missing" not in page
    assert "1 of 5" in shown(**{**LIVE, "twilio_auth_token": "", "public_base_url": ""}, records_file=rang)


def test_where_twilio_is_to_ask() -> None:
    """With a host's prefix too."""
    assert "https://agent.example.com/office/webhook/incoming_call" in shown(prefix="/office", **LIVE)


def test_what_is_in_use_in_its_order() -> None:
    page = shown(**LIVE)
    assert "Language model (LLM) openai , then embedded" in page
    assert "Leads go to a file only Recording no" in page


def test_the_last_calls(tmp_path: Path) -> None:
    of_all = [
        call(f"CA{number}", at=AT.replace(day=number), summary=f"call {number}!") for number in range(1, 9)
    ]
    page = shown(records_file=kept(tmp_path, *of_all))
    assert [number for number in range(1, 9) if f"call {number}!" in page] == [4, 5, 6, 7, 8]
    assert page.index("call 8!") < page.index("call 4!") and "+972501234567" in page


def test_records_that_cannot_be_read_leave_the_page(tmp_path: Path) -> None:
    broken = tmp_path / "records.db"
    broken.write_bytes(b"no database" * 1000)
    assert "The records of calls cannot be read" in shown(records_file=str(broken))
    assert "The records of calls cannot be read" in shown()


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    assert f"LEADS_FILE={tmp_path}: is a folder, and not a file" in shown(leads_file=str(tmp_path))


def test_no_secret_is_in_the_page() -> None:
    page = shown(**LIVE, leads_webhook_url="https://crm.example.com/hook-QXZ7", leads_webhook_secret="s" * 20)
    assert LIVE["openai_api_key"] not in page and TOKEN not in page and "QXZ7" not in page
    assert "the CRM (webhook)" in page


@pytest.mark.parametrize("name", ["phone", "calls"])
def test_what_is_not_there_is_not_linked(name: str) -> None:
    app = app_of(allowed=lambda: True)
    page = app.test_client().get("/").text
    there = any(rule.rule == f"/{name}" for rule in app.url_map.iter_rules())
    assert (f'href="/{name}"' in page) is there
