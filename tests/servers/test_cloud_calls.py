"""Whole calls over real sockets through the local cloud: real clients of Google and OpenAI, both workers.

The long forms are commands: ``python -m bench.{reply,barge_in,load,cold}``.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.barge_in import ALLOWED_MS as CLOSED_MS
from bench.barge_in import measure as measure_barge_in
from bench.faults import answer as short_answer
from bench.service import LINES, on_the_cloud, place_calls, say
from tests.cloud.local import CLOUD_KNOBS, OPENAI_KNOBS, LocalCloud
from tests.cloud.openai import Script, ToolCall
from tests.cloud.watch import Fault
from tests.serving import ROOT, environment


@pytest.mark.parametrize(
    ("worker_class", "providers"),
    [("gevent", CLOUD_KNOBS), ("gthread", OPENAI_KNOBS)],
    ids=["gevent, google", "gthread, openai alone"],
)
def test_a_call(tmp_path: Path, worker_class: str, providers: dict[str, str]) -> None:
    """The right audio reaches the STT, the right words the LLM, and its answer the caller."""
    with LocalCloud(LINES, short_answer) as cloud:
        cloud.take(0.1, 0.1, 0.05)
        knobs = cloud.knobs | providers | {"LLM_MIN_CHARS": "0"}
        with on_the_cloud(knobs, tmp_path, WORKER_CLASS=worker_class) as server:
            report = place_calls(server, tmp_path, *say(*LINES[:2]))
            assert [turn["heard_as"] for turn in report["turns"]] == LINES[:2]
            assert all(turn["agent"].startswith("רשמתי את זה") for turn in report["turns"]), report["turns"]
            assert "_ERR" not in server.log and "Traceback" not in server.log
        thought = [exchange.request["messages"] for exchange in cloud.openai.chat.exchanges]
        assert [messages[-1]["content"] for messages in thought] == LINES[:2]
        # D3: the LLM knows what the caller has heard, the greeting too.
        roles = [message["role"] for message in thought[1]]
        assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
        assert not [each for watch in cloud.watches for each in watch.open]


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
        voiced = "".join(exchange.request["input"] for exchange in cloud.openai.speech.exchanges)
        assert not [mark for mark in ("המשתמש", "think", "save", "end", "{") if mark in voiced]
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


def test_check_says_what_to_do() -> None:
    """Exit 1 when a kind has no engine that works, and each row says what to do about it."""
    with LocalCloud([]) as cloud:
        cloud.openai.refused_keys.add("local")
        done = checked(**(cloud.knobs | OPENAI_KNOBS))
        assert done.returncode == 1
        assert "OPENAI_API_KEY" in done.stdout and "a call cannot be held" in done.stdout
        assert "local" not in done.stdout.split("OPENAI_API_KEY")[1].split("\n")[0]
