"""The command: what it prints, where, and its exit status."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server.hear import __main__ as command
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from server.providers.wav import wav_of
from tests.cloud.local import LocalCloud
from tests.cloud.recorded import CALLER_VARIANT
from tests.cloud.soniox import SonioxCloud
from tests.serving import ROOT, environment

Ran = tuple[int, str, str]  # exit status, standard output, standard error
Run = Callable[..., Ran]
SOUND = wav_of(b"\x00\x10" * 1600)
LINES = ("אני מחפש דירה בתל אביב", "שלושה חדרים עד 2.5 מיליון", "המספר שלי 050-1234567")
MISHEARD = ("אני מחפש דירה בתל אביב", "שלושה חדרים עד 3 מיליון", "מספר 050-1234567")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs it with the scripted STT and no waiting."""
    for name, value in environment(SCRIPTED_ASR_MS="0", SCRIPTED_ASR_LINES="|".join(MISHEARD)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(command, "hide_private", lambda config: None)  # it would hold for other tests, too

    def ran(folder: Path, *options: str, **settings: str) -> Ran:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        status = command.main([str(folder), "--fast", *options])
        return (status, *capsys.readouterr())

    return ran


def test_a_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "names").write_text("תל אביב\n", "utf-8")
    for number, line in enumerate(LINES):
        (tmp_path / f"{number}.wav").write_bytes(SOUND)
        (tmp_path / f"{number}.txt").write_text(line, "utf-8")
    status, out, err = run(tmp_path, ASR_PHRASES_FILE=str(tmp_path / "names"))
    assert status == 0 and err == ""
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[1:3] == [
        f"0.wav (said) {LINES[0]}",
        f"0.wav scripted 0/5 0/0 0/1 – – {LINES[0]}",
    ]
    assert f"1.wav scripted 1/4 1/2 0/0 – – {MISHEARD[1]} | missed: 2500000" in lines
    assert "scripted 0/3 25.0 % (3/12) 33.3 % (1/3) 0.0 % (0/1) – –" in lines
    assert lines[-1] == command.FAST


def test_an_stt_that_hears_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(SOUND)
    status, out, _ = run(tmp_path, SCRIPTED_ASR_LINES="")
    assert status == 1 and "NO: heard nothing" in out


def test_a_file_that_is_not_read(run: Run, tmp_path: Path) -> None:
    """It is told, and the others are heard."""
    (tmp_path / "a.wav").write_bytes(b"ID3\x04" + bytes(100))
    assert run(tmp_path) == (1, "", "a.wav is MP3, not WAV\n")
    (tmp_path / "b.wav").write_bytes(SOUND)
    status, out, err = run(tmp_path)
    assert status == 1 and err == "a.wav is MP3, not WAV\n" and MISHEARD[0] in out


def test_what_a_stranger_wrote_stays_in_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(SOUND)
    status, out, _ = run(tmp_path, SCRIPTED_ASR_LINES="a\x1b[2J\nb\u202ec")
    assert status == 0 and "a [2J b c" in out


def test_a_setting_that_is_wrong(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(SOUND)
    status, _, err = run(tmp_path, ASR_PHRASES_FILE=str(tmp_path / "none"))
    assert status == 1 and "ASR_PHRASES_FILE" in err


def test_the_embedded_stt_is_for_trying_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav_of(speak_pcm16_8k("לדבר עם נציג", variant=CALLER_VARIANT)))
    _, out, _ = run(tmp_path, ASR_ENGINES="embedded")
    assert command.MENU in out


@pytest.mark.parametrize(
    ("name", "says"), [("none", "is no folder"), ("file", "is no folder"), (".", "has no WAV files")]
)
def test_nothing_to_hear(
    name: str, says: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as ended:
        run(tmp_path / name)
    assert ended.value.code == 2 and says in capsys.readouterr().err


def test_it_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([])
    assert ended.value.code == 2 and "folder" in capsys.readouterr().err


@pytest.mark.servers
def test_hebrew_through_the_local_clouds(tmp_path: Path) -> None:
    """Spoken lines to Google, OpenAI and Soniox as they are configured, at a caller's pace."""
    for number, line in enumerate(LINES):
        audio = speak_pcm16_8k(line, variant=CALLER_VARIANT)
        (tmp_path / f"{number}.wav").write_bytes(wav_of(audio))
        (tmp_path / f"{number}.txt").write_text(line, "utf-8")
    with LocalCloud(list(LINES)) as cloud, SonioxCloud(hears=cloud.speech.hears) as soniox:
        heard = cloud.openai.hears
        cloud.openai.hears = lambda pcm16: dict(zip(LINES, MISHEARD, strict=True)).get(heard(pcm16), "")
        knobs = cloud.knobs | {
            "ASR_ENGINES": "google,openai,soniox",
            "SONIOX_API_KEY": "local",
            "SONIOX_STT_URL": soniox.stt_url,
        }
        done = subprocess.run(
            ["./start_all.sh", "hear", str(tmp_path)],
            cwd=ROOT,
            env=environment(PYTHON=sys.executable, **knobs),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.split("\n\n")[1].splitlines()}
    assert rows["google"][1:8] == ["0/3", "0.0", "%", "(0/12)", "0.0", "%", "(0/3)"]
    assert rows["soniox"][1:8] == rows["google"][1:8]
    assert rows["openai"][1:8] == ["0/3", "25.0", "%", "(3/12)", "33.3", "%", "(1/3)"]
    for name in ("google", "openai", "soniox"):
        assert int(rows[name][-2]) < 3000, done.stdout  # the median of the finals
