"""Whole calls over real sockets through the local cloud: real clients of Google and OpenAI, both workers.

The long forms are commands: ``python -m bench.{reply,barge_in,load,cold}``.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.barge_in import ALLOWED_MS as CLOSED_MS
from bench.barge_in import measure as measure_barge_in
from bench.faults import answer as short_answer
from bench.service import LINES, on_the_cloud, place_calls, say
from server.simulator.cli import DEFAULT_LINES
from tests.cloud.local import CLOUD_KNOBS, OPENAI_KNOBS, SONIOX_KNOBS, LocalCloud
from tests.cloud.openai import Script, ToolCall
from tests.cloud.watch import Fault
from tests.serving import ROOT, environment

THE_DAY = "2027-01-07"  # after the end of OpenAI's speech endpoint
UNSET = {"ASR_ENGINES": "", "LLM_ENGINES": "", "TTS_ENGINES": ""}


def one_key(cloud: LocalCloud) -> dict[str, str]:
    """All that a newcomer sets, where the local cloud stands for OpenAI."""
    return UNSET | {name: cloud.knobs[name] for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL")}


def soniox(cloud: LocalCloud) -> dict[str, str]:
    return cloud.knobs | SONIOX_KNOBS


@pytest.mark.parametrize(
    ("worker_class", "chosen"),
    [("gevent", soniox), ("gthread", one_key)],
    ids=["gevent, soniox", "gthread, one key"],
)
def test_a_call(tmp_path: Path, worker_class: str, chosen: Callable[[LocalCloud], dict[str, str]]) -> None:
    """The right audio reaches the STT, the right words the LLM, and its answer the caller.

    One key of OpenAI's holds the demonstration's dialogue on the day after the end of its speech endpoint.
    Google's engines hold the calls of the barge-in below and of ``test_cloud_failures``.
    """
    lines = list(DEFAULT_LINES[:2])
    with LocalCloud(lines, short_answer) as cloud:
        cloud.openai.models.today = THE_DAY
        cloud.take(0.1, 0.1, 0.05)
        with on_the_cloud(chosen(cloud), tmp_path, WORKER_CLASS=worker_class, LLM_MIN_CHARS="0") as server:
            report = place_calls(server, tmp_path, *say(*lines))
            assert [turn["heard_as"] for turn in report["turns"]] == lines
            assert all(turn["agent"].startswith("רשמתי את זה") for turn in report["turns"]), report["turns"]
            assert "_ERR" not in server.log and "Traceback" not in server.log
        # D3: the LLM knows what the caller has said and heard, the greeting too. The last request counts: one
        # before it may have begun early, on words that came while the caller spoke.
        thought = cloud.openai.chat.exchanges[-1].request["messages"]
        roles = [message["role"] for message in thought]
        assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
        assert [thought[3]["content"], thought[5]["content"]] == lines
        assert not [each for watch in cloud.watches for each in watch.open] and cloud.violations == []
        assert not cloud.openai.speech.exchanges + cloud.openai.transcriptions.exchanges


def as_small_models_write(request: dict[str, Any]) -> Script:
    """Faults 1 and 2 in one turn, fault 3 and a goodbye that is written out in the other."""
    turn = LINES.index(request["messages"][-1]["content"])
    malformed = ToolCall("save_lead", '{"name":"דני","phone":"0501234567",}')
    thought = "<think>המשתמש רוצה דירה. אני צריכה לשאול על התקציב.</think>\n"
    return [
        Script(f"{thought}תודה דני, רשמתי את המספר. באיזו עיר?", (malformed,)),
        Script('הבנתי. save_lead({"name":"דני","city":"תל אביב"}) תודה, ולהתראות! end_call()'),
    ][turn]


def test_rows_1_to_3_what_small_models_write(tmp_path: Path) -> None:
    """F2, F3: no thought and no call is heard, every call is carried out, and no detail is lost.

    The goodbye is heard to its end, then our side closes.
    """
    with LocalCloud(LINES, as_small_models_write) as cloud:
        leads = tmp_path / "leads.jsonl"
        with on_the_cloud(cloud.knobs | OPENAI_KNOBS, tmp_path, LEADS_FILE=str(leads)) as server:
            report = place_calls(server, tmp_path, *say(*LINES[:2]))
            assert server.has_said("CALL_ENDS EndCall") and server.has_said("written as text")
        assert [turn["agent"] for turn in report["turns"]] == [
            "תודה דני, רשמתי את המספר. באיזו עיר?",
            "הבנתי. תודה, ולהתראות!",
        ]
        voiced = "".join(exchange.request.text for exchange in cloud.openai.realtime.tts.exchanges)
        assert "רשמתי את המספר" in voiced and not [
            mark for mark in ("המשתמש", "think", "save", "end", "{") if mark in voiced
        ]
        kept = leads.read_text(encoding="utf-8")
        assert '"phone": "0501234567"' in kept and '"city": "תל אביב"' in kept


def test_d2_a_barge_in_closes_the_streams() -> None:
    """D2: LLM and TTS see it at once; the interrupting utterance's own STT stream alone stays open.

    The joint at real pace: who cancels when is proved in simulated time, that the clients obey in
    ``tests/providers``.
    """
    closed = measure_barge_in("gevent", CLOUD_KNOBS, interruptions=1)
    assert closed.llm and closed.voice and max(closed.llm + closed.voice) <= CLOSED_MS, closed
    assert max(closed.stt) == 1, closed


CHECK = ["./start_all.sh", "check"]


def checked(**knobs: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        CHECK,
        cwd=ROOT,
        env=environment(PYTHON=sys.executable, **knobs),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_check_says_what_works() -> None:
    """`./start_all.sh check`: a row for each engine, exit 0 while each kind has one that works."""
    with LocalCloud([]) as cloud:
        cloud.speech.hears = lambda audio: "אני מחפש דירה בתל אביב"
        cloud.voice.watch.always = Fault.UNAVAILABLE
        knobs = cloud.knobs | CLOUD_KNOBS | {"TTS_ENGINES": "google,embedded"}
        done = checked(**knobs)
        assert done.returncode == 0, done.stdout + done.stderr
        rows = {line.split()[0] + " " + line.split()[1]: line for line in done.stdout.splitlines() if line}
        assert " NO " in rows["tts google"] and "UNAVAILABLE" in rows["tts google"]
        assert " yes " in rows["tts embedded"] and " yes " in rows["stt google"]
        assert "אני מחפש דירה בתל אביב" in rows["stt google"] and " yes " in rows["llm openai"]


def test_check_says_what_has_ended() -> None:
    """The day after a model's last, the row of the TTS that still asks for it."""
    with LocalCloud([]) as cloud:
        cloud.openai.hears = lambda audio: "אני מחפש דירה בתל אביב"
        cloud.openai.models.today = THE_DAY
        done = checked(**one_key(cloud), OPENAI_TTS_MODEL="gpt-4o-mini-tts")
        rows = {tuple(line.split()[:2]): line for line in done.stdout.splitlines()}
        assert done.returncode == 0, done.stdout + done.stderr
        assert " NO " in rows["tts", "openai"] and "OPENAI_TTS_MODEL" in rows["tts", "openai"]
        assert all(
            " yes " in rows[row] for row in (("stt", "openai"), ("llm", "openai"), ("tts", "embedded"))
        )


def test_check_says_what_to_do() -> None:
    """Exit 1 when a kind has no engine that works, and each row says what to do about it."""
    with LocalCloud([]) as cloud:
        cloud.openai.refused_keys.add("local")
        done = checked(**(cloud.knobs | OPENAI_KNOBS))
        assert done.returncode == 1
        assert "OPENAI_API_KEY" in done.stdout and "a call cannot be held" in done.stdout
        assert "local" not in done.stdout.split("OPENAI_API_KEY")[1].split("\n")[0]
