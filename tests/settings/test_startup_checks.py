"""What would fail later is told at the start and by ``check`` (newcomer 9, 16, 17; F12)."""

import logging
import os
from pathlib import Path

import pytest

from server.app import create_app, phone_agent
from server.config import Config, KnobError, load_config, load_config_to_start, load_mounted_config, main
from server.providers.preflight import main as check
from server.providers.preflight import row, try_surroundings
from server.providers.provider_set import build_providers
from server.runtime.threads import Threads
from server.service import Service
from server.settings.startup_checks import memory_limit_mb, tried_files, tried_store, why_too_little_memory

SCRIPTED = {
    "asr_engines": "scripted",
    "llm_engines": "scripted",
    "tts_engines": "scripted",
    "vad_engine": "energy",
    "scripted_tts_ms": "0",  # the fixed lines are made as the process begins
}
FILES = {"state_file": "", "leads_file": "", "records_file": ""}
DEAD = "redis://:s3cret-word@127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in Config.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    # Those of a process are built once; each of these tests is the start of one.
    monkeypatch.setattr(
        "server.app.default_providers", lambda: build_providers(load_mounted_config(), Threads())
    )
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    return tmp_path


def problems(**knobs: str) -> dict[str, str]:
    return {tried.knob: tried.problem for tried in tried_files(load_config(**{**FILES, **knobs}))}


class TestFilesThatCallsRead:
    """Without them the agent is another one: the start stops, wherever it begins."""

    @pytest.mark.parametrize(
        "name", ["llm_prompt_file", "asr_phrases_file", "pronunciations_file", "lines_file"]
    )
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (None, "No such file"),
            ("folder", "Is a directory"),
            ("שלום".encode("windows-1255"), "save it as UTF-8"),
            ("שלום".encode("utf-16"), "save it as UTF-8"),
            (b" \n", "is empty"),
        ],
    )
    def test_one_that_cannot_be_read(
        self,
        name: str,
        content: object,
        says: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        path = Path("folder" if content == "folder" else "text")
        if isinstance(content, bytes):
            path.write_bytes(content)
        monkeypatch.setenv(name.upper(), str(path))
        for start in (load_config_to_start, load_mounted_config, create_app, phone_agent):
            with pytest.raises(KnobError, match=f"{name.upper()}='{path}': .*{says}"):
                start()
        assert main(["export"]) == 1 == check()
        assert capsys.readouterr().err.count(name.upper()) == 2

    def test_one_that_can(self) -> None:
        Path("text").write_text("\ufeffאת {persona}", encoding="utf-8")
        assert load_config_to_start(llm_prompt_file="text", asr_phrases_file="text")


class TestFilesThatCallsWrite:
    @pytest.mark.parametrize(
        ("knobs", "says"),
        [
            ({"leads_file": "folder"}, "is a folder"),
            ({"leads_file": "file/leads.jsonl"}, "/file is no folder"),
            ({"leads_file": "/dev/null"}, "keeps nothing"),
            ({"state_file": "folder"}, "is a folder"),
            ({"state_file": "file/deep/agent.db"}, "/file is no folder"),
            ({"tts_cache_dir": "file"}, "is a file"),
            ({"tts_cache_dir": "file/cache"}, "/file is no folder"),
            ({"google_application_credentials": "missing.json"}, "No such file"),
            ({"google_application_credentials": "folder"}, "Is a directory"),
            ({"google_application_credentials": "file"}, "holds no JSON"),
            ({"google_application_credentials": "list"}, "is no key file"),
        ],
    )
    def test_one_that_cannot_be_written(self, knobs: dict[str, str], says: str, folder: Path) -> None:
        (folder / "list").write_text("[1]")
        ((knob, problem),) = problems(**knobs).items()
        assert knob == next(iter(knobs)).upper() and says in problem

    @pytest.mark.parametrize(
        "knobs",
        [{"leads_file": "file"}, {"leads_file": "new/leads.jsonl"}, {"state_file": "a/b/agent.db"}]
        + [
            {"tts_cache_dir": "folder"},
            {"tts_cache_dir": "new/cache"},
            {"google_application_credentials": "key"},
        ],
    )
    def test_one_that_can_is_not_made(self, knobs: dict[str, str], folder: Path) -> None:
        (folder / "key").write_text("{}")
        before = set(folder.iterdir())
        assert list(problems(**knobs).values()) == [""]
        assert set(folder.iterdir()) == before

    def test_one_that_its_owner_has_closed(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setattr("os.access", lambda path, mode: False)
        assert problems(leads_file="file", tts_cache_dir="new") == {
            "LEADS_FILE": "cannot be written",
            "TTS_CACHE_DIR": f"cannot be written in {folder}",
        }

    def test_leads_that_others_can_read(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        """What is ours and no link is closed with the first line; it costs nobody a word here."""
        (folder / "file").chmod(0o640)
        (folder / "link").symlink_to("file")
        assert problems(leads_file="file") == {"LEADS_FILE": ""}
        assert problems(leads_file="link") == {
            "LEADS_FILE": "is a link, and others can read it (mode 640): chmod 600"
        }
        monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
        assert problems(leads_file="file") == {
            "LEADS_FILE": "belongs to another user, and others can read it (mode 640): chmod 600"
        }
        (folder / "file").chmod(0o600)
        assert problems(leads_file="link") == problems(leads_file="file") == {"LEADS_FILE": ""}

    def test_a_host_hears_it_when_it_mounts(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LEADS_FILE", "folder")
        phone_agent()
        assert "FILE_ERR LEADS_FILE=folder: is a folder, and not a file" in caplog.text
        assert [each.levelno for each in caplog.records if "FILE_ERR" in each.message] == [logging.ERROR]


class TestStore:
    def test_a_dead_redis_is_told_and_stops_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        config = load_config(**SCRIPTED, **FILES | {"redis_url": DEAD})
        service = Service(config, build_providers(config, Threads()))
        service.begin_warming()
        assert service.wait_until_warm(10)
        (line,) = [each for each in caplog.records if "only: REDIS_URL: " in each.message]
        assert line.levelno == logging.ERROR and "s3cret" not in caplog.text

    def test_one_that_answers(self, redis_url: str) -> None:
        assert [tried.problem for tried in tried_store(load_config(**FILES | {"redis_url": redis_url}))] == [
            ""
        ]

    def test_a_state_file_that_is_none(self, folder: Path) -> None:
        (folder / "file").write_text("no database " * 100)
        (tried,) = tried_store(load_config(state_file="file"))
        assert "file is not a database" in tried.problem
        assert list(tried_store(load_config(state_file="new.db"))) == []
        assert not (folder / "new.db").exists()


def test_check_has_a_row_for_each() -> None:
    rows = [row(trial) for trial in try_surroundings(load_config(leads_file="folder", redis_url=DEAD))]
    assert [each.split()[:3] for each in rows] == [
        ["file", "LEADS_FILE", "NO"],
        ["file", "RECORDS_FILE", "yes"],
        ["store", "REDIS_URL", "NO"],
    ]
    assert "folder is a folder" in rows[0] and "does not answer" in rows[2]
    rows = [row(trial) for trial in try_surroundings(load_config(tts_cache_dir="cache"))]
    assert [each.split() for each in rows] == [
        ["file", "LEADS_FILE", "yes", "–", "leads.jsonl"],
        ["file", "STATE_FILE", "yes", "–", "state/agent.db"],
        ["file", "RECORDS_FILE", "yes", "–", "state/records.db"],
        ["file", "TTS_CACHE_DIR", "yes", "–", "cache"],
    ]


def test_check_on_what_nobody_has_set(capsys: pytest.CaptureFixture[str]) -> None:
    """newcomer 16: the demonstration holds a call with it, so ``check`` says so; and what it is for."""
    assert check() == 0
    said = capsys.readouterr().out
    assert "cannot be held" not in said and " NO " not in said
    (stt,) = [line for line in said.splitlines() if line.startswith("stt")]
    assert "אני רוצה לקנות דירה" in stt and "for trying out" in stt


def test_check_of_what_stops_no_call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        **SCRIPTED,
        "leads_file": "folder",
        "redis_url": DEAD,
        "twilio_auth_token": "short",
    }.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("SCRIPTED_ASR_LINES", "אני מחפש דירה בתל אביב")
    assert check() == 0
    said = capsys.readouterr().out
    assert (
        said.count(" NO ") == 2 and "s3cret" not in said and "TWILIO_AUTH_TOKEN is not like Twilio's" in said
    )


@pytest.mark.parametrize(
    ("workers", "limit_mb", "says"),
    [
        (1, 512, ""),
        (2, 1024, ""),
        (2, 512, "set WEB_CONCURRENCY=1"),
        (1, 256, "1 worker(s) take some 300 MB"),
    ],
)
def test_newcomer_17_workers_that_do_not_fit(workers: int, limit_mb: int, says: str) -> None:
    why = why_too_little_memory(load_config(web_concurrency=workers), limit_mb)
    assert says in why and bool(why) == bool(says)


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_the_memory_that_a_container_has(name: str, folder: Path) -> None:
    whole = memory_limit_mb(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("536870912\n")
    assert memory_limit_mb(folder) == 512 < whole
    (folder / name).write_text("max\n")
    assert memory_limit_mb(folder) == whole
