"""The timeline of a call: what its record tells and its event log holds, as data; and the file to send."""

import json
import re
import stat
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from server.event_log.reader import read_log
from server.logs.redaction import PrivateText
from server.office.business_hours import ISRAEL
from server.records.__main__ import main
from server.records.shown import call_story, tenths
from server.timeline.apart import NotDrawn, timeline_apart
from server.timeline.page import page
from server.timeline.providers import End, Providers
from server.timeline.reading import embedded, timeline_of
from server.turns.actions import FinishRecognition, StartRecognition
from server.turns.effects import Expected
from server.turns.events import FinalTranscript, SttFailed
from tests.records.lists import AT
from tests.simtime.line import Sound
from tests.timeline.scenes import FIRST, GOODBYE, HELD, MORE, PERSON, eventful

HOSTILE = "</script><img src=x onerror=alert(1)><!--\u2028${1}"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    lists = eventful(folder)
    return SimpleNamespace(folder=folder, lists=lists, found=lists.call("CA1"), data=drawn(lists, folder))


def drawn(lists, folder, mode="full", **more):
    return timeline_of(lists.call("CA1"), str(folder), ISRAEL, mode, **more)


def rules(data):
    return [(flag["rule"], flag["what"]) for flag in data["flags"]]


def test_every_line_of_the_call_s_story_is_in_it(scene):
    """``./start_all.sh call``, line by line; and each decision is a flag at its time."""
    ((call, turns),) = scene.found
    printed = [line for line in call_story(call, turns, ISRAEL).splitlines() if line]
    told = [line for head in scene.data["head"] for line in head]
    told += [line for turn in scene.data["turns"] for line in turn["lines"]]
    assert told == printed
    flags = [f"     {tenths(flag['at'])}  " for flag in scene.data["flags"] if flag["what"] != "unheard"]
    decided = [line for line in printed if re.match(r" {5}\d+:\d\d\.\d  ", line)]
    assert len(decided) == len(flags) > 10
    assert all(line.startswith(flag) for line, flag in zip(decided, flags, strict=True))


def test_it_is_told_in_hebrew_too(scene):
    """As many lines, without an English word of ours; what others have said is isolated."""
    ((call, turns),) = scene.found
    lead = (("name", "Dana, (left:) 7"),)
    data = timeline_of([(replace(call, lead=lead, ended="agent"), turns)], str(scene.folder), ISRAEL, "full")
    (head,), (head_he,) = data["head"], data["head_he"]
    assert len(head_he) == len(head) and "נמסר: \u2068שם\u2069: \u2068Dana, (left:) 7\u2069" in head_he
    for turn in data["turns"]:
        assert len(turn["lines_he"]) == len(turn["lines"])
    told = [one for turn in data["turns"] for one in turn["lines_he"][1:]]
    told += [one["text_he"] for name in ("flags", "gaps", "ends") for one in data[name]] + head_he[1:]
    for line in told:
        ours = re.sub("\u2068[^\u2069]*\u2069", "", line)
        assert not re.search("[A-Za-z]{4}", ours), line
    assert "הועברה לנציג" in [end["text_he"] for end in data["ends"]]


def test_what_happened_is_shown(scene):
    """A false barge-in, a held turn, a cancelled early start, a provider that failed, and the hand-over."""
    data = scene.data
    assert [cut["false"] for cut in data["barge_ins"]] == [True]
    held = [flag["text"] for flag in data["flags"] if (flag["rule"], flag["what"]) == ("A7", "held")]
    assert "held" in held[0] and any(text.endswith(": של") for text in held)
    llm = [asked for asked in data["providers"] if asked["kind"] == "llm"]
    assert any(asked["early"] and asked["end"] == "cancelled" for asked in llm)
    assert [asked["why"] for asked in llm if asked["end"] == "failed"][-1].endswith("HTTP 503")
    assert ("F3", "hand over") in rules(data) and ("G2", "llm failed") in rules(data)
    assert "handed over to a person" in [end["text"] for end in data["ends"]]
    assert any(clear["ms"] > 0 for clear in data["clears"])


def test_b3_an_stt_that_has_answered_before_the_end_has_not_failed(tmp_path):
    """B3: its words of the pause were kept; that no others came in time is no failure."""
    providers = Providers(PrivateText("full"))
    providers.did(StartRecognition(1, 1, Expected()), 0)
    providers.saw(FinalTranscript(1, "שלום"), 100)
    providers.did(FinishRecognition(1), 200)
    providers.saw(SttFailed(1, "no transcript within 1200 ms"), 1400)
    assert [(asked.how, asked.end) for asked in providers.asked] == [(End.DONE, 200)]


def test_b3_an_early_answer_that_was_whole_and_is_dropped_was_cancelled(tmp_path):
    """B3: the LLM had answered within the pause."""
    data = drawn(eventful(tmp_path, llm_s=0.1), tmp_path)
    (dropped, *_) = [asked for asked in data["providers"] if asked["early"]]
    assert dropped["end"] == "cancelled" and dropped["first"] is not None


def test_times_are_those_of_the_call(scene):
    """Waits end with the first frame of their answers; states follow each other; all is in the call."""
    data, ((_, turns),) = scene.data, scene.found
    answered = [turn.gap.total_ms for turn in turns if turn.gap is not None]
    assert [gap["ms"] for gap in data["gaps"]] == answered
    speaking = [state["from"] for state in data["states"] if state["state"] == "SPEAKING"]
    for gap in data["gaps"]:
        assert gap["to"] in speaking and gap["to"] - gap["from"] == gap["ms"]
        assert 0 <= gap["score"] <= 1
    ends = [state["to"] for state in data["states"]]
    assert [state["from"] for state in data["states"]] == [0, *ends[:-1]]
    for asked in data["providers"]:
        assert asked["from"] <= (asked["first"] or asked["from"]) <= asked["to"] <= data["length"]


def test_words_stand_over_the_voice_that_said_them(scene):
    """The caller's, where they spoke; in order."""
    said = [word for word in scene.data["words"] if word["who"] == "caller"]
    assert " ".join(word["text"] for word in said) == f"{HELD} {FIRST} {MORE} {PERSON}"
    spans = {3.0: 4.6, 13.0: 15.6, 22.0: 23.6}
    for word in said:
        assert any(at * 1000 - 20 <= word["at"] <= until * 1000 for at, until in spans.items()), word
    assert [word["at"] for word in said] == sorted(word["at"] for word in said)


def test_what_was_interrupted_is_struck_out(tmp_path):
    """D3: the words that nobody heard, behind the cut."""
    sounds = [Sound(3.0, 1.6, words="שאלה ראשונה"), Sound(6.8, 1.5, words="לא, רגע, משהו אחר")]
    lists = eventful(tmp_path, sounds=sounds, seconds=16)
    data = drawn(lists, tmp_path)
    ((_, turns),) = lists.call("CA1")
    lost = next(one for turn in turns for one in turn.decisions if one.what == "unheard")
    unheard = [word for word in data["words"] if not word["heard"]][: len(lost.why.split())]
    assert " ".join(word["text"] for word in unheard) == lost.why
    assert all(word["at"] >= lost.at_ms for word in unheard)
    assert [cut["false"] for cut in data["barge_ins"]] == [False]


def test_levels_and_the_bar_are_those_of_each_frame(scene):
    """A byte a frame; while the agent is heard, the bar is another one."""
    (levels,) = scene.data["levels"]
    frames = {name: b64decode(levels[name]) for name in ("caller", "agent", "bar", "speech")}
    assert len(frames["caller"]) == len(frames["bar"]) == len(frames["speech"])
    assert max(frames["caller"][150:230]) > 150 > 20 > frames["caller"][120]
    assert frames["bar"][160] != frames["bar"][350]
    assert max(frames["speech"][170:220]) == 180  # 0.9
    assert any(frames["agent"][50:140]) and not any(frames["agent"][170:220])
    assert levels["wave"] == "" and scene.data["sounds"] == []


def test_a_recorded_call_has_its_sound(tmp_path):
    """EVENT_LOG=audio: in the file itself, both sides; and the waves are of it."""
    data = drawn(eventful(tmp_path, "audio"), tmp_path, sound=embedded)
    ((sound, levels),) = zip(data["sounds"], data["levels"], strict=True)
    wav = b64decode(sound["src"].removeprefix("data:audio/wav;base64,"))
    assert wav[:4] == b"RIFF" and wav[20] == 7 and wav[22] == 2  # μ-law, stereo
    assert int.from_bytes(wav[4:8], "little") == len(wav) - 8
    assert abs(len(wav) / 16_000 - data["length"] / 1000) < 0.1
    assert levels["wave"] not in ("", levels["caller"])


@pytest.mark.parametrize("then, now", [("off", "full"), ("full", "off"), ("off", "off")])
def test_words_that_must_not_be_told_are_not(tmp_path, then, now):
    """LOG_TRANSCRIPTS as it was, or as it is: no word of the log is shown, and no recording offered."""
    data = drawn(eventful(tmp_path, "audio", then), tmp_path, now, sound=embedded)
    assert data["sounds"] == []
    told = json.dumps(data, ensure_ascii=False)
    if then == "off":
        assert not [word for word in (HELD, FIRST, MORE, PERSON, GOODBYE) if word in told]
        assert "words)" in told


def test_a_call_without_an_event_log_is_drawn_by_its_record(scene):
    ((call, turns),) = scene.found
    data = timeline_of([(replace(call, event_log=""), turns)], str(scene.folder), ISRAEL, "full")
    assert data["flags"] == scene.data["flags"] and data["turns"] and data["words"]
    assert data["levels"] == data["providers"] == data["logs"] == []
    assert "EVENT_LOG=events" in data["lacks"][0]


@pytest.mark.parametrize("name", ["2026-11-29/gone.events", "../outside.events"])
def test_a_log_that_is_not_there_is_told(scene, name):
    """What lies beside the folder of logs is none."""
    ((call, turns),) = scene.found
    (scene.folder.parent / "outside.events").write_bytes((scene.folder / call.event_log).read_bytes())
    data = timeline_of([(replace(call, event_log=name), turns)], str(scene.folder), ISRAEL, "full")
    assert data["levels"] == [] and len(data["lacks"]) == 1


def test_a_log_that_is_cut_short_is_drawn_as_far_as_it_goes(scene, tmp_path):
    ((call, turns),) = scene.found
    whole = (scene.folder / call.event_log).read_bytes()
    (tmp_path / "half.events").write_bytes(whole[: len(whole) * 3 // 4])
    data = timeline_of([(replace(call, event_log="half.events"), turns)], str(tmp_path), ISRAEL, "full")
    assert data["levels"] and "cannot be read" in data["lacks"][0]


def test_f8_parts_of_a_call_stand_behind_each_other(scene):
    """F8: the second began half a minute behind the first one's end."""
    ((call, turns),) = scene.found
    later = replace(call, sid="CA1@37s", at=call.at + timedelta(seconds=60))
    data = timeline_of([(call, turns), (later, turns)], str(scene.folder), ISRAEL, "full")
    assert [part["at"] for part in data["parts"]] == [0, 60_000]
    assert len(data["turns"]) == 2 * len(turns)
    half = len(data["flags"]) // 2
    for one, other in zip(data["flags"][:half], data["flags"][half:], strict=True):
        assert other == {**one, "at": one["at"] + 60_000, "turn": one["turn"] + len(turns)}


@pytest.mark.servers
def test_it_is_computed_in_a_process_of_its_own(scene, tmp_path):
    """Calls go on meanwhile; what takes too long is given up."""
    assert timeline_apart(scene.found, str(scene.folder), "full") == json.loads(json.dumps(scene.data))
    with pytest.raises(NotDrawn, match="too long"):
        timeline_apart(scene.found, str(scene.folder), "full", within_s=0.001)


# ---- the file to send


def test_what_a_caller_says_ends_no_script(scene):
    """It is data, and text; nothing of it is a tag."""
    ((call, turns),) = scene.found
    turns = [replace(turn, caller=HOSTILE, agent=HOSTILE) for turn in turns]
    call = replace(call, sid=HOSTILE, lead=(("name", HOSTILE),))
    data = timeline_of([(call, turns)], str(scene.folder), ISRAEL, "full")
    html = page(data)
    assert "<img" not in html and html.count("</script>") == 2 and "<!--" not in html and "\u2028" not in html
    kept = re.search(r'id="timeline-data">(.*?)</script>', html, re.DOTALL)[1]
    assert json.loads(kept) == data


def test_the_file_needs_no_network(scene):
    """Nor may it use one."""
    html = page(scene.data)
    assert not re.search(r"(src|href)=|url\(|@import|https?:", html)
    assert "default-src 'none'" in html and "'unsafe-inline'" not in html


def test_the_command_writes_it(scene, tmp_path, monkeypatch, capsysbinary):
    """``./start_all.sh call SID --html FILE``: for its owner alone, whatever the file was before."""
    monkeypatch.setenv("EVENT_LOG_DIR", str(scene.folder))
    file = tmp_path / "call.html"
    file.touch(0o644)
    assert main(["call", "CA", "--html", str(file)], lambda: scene.lists, lambda: AT) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert capsysbinary.readouterr().out.decode() == f"written to {file}\n"
    assert '"sid":"CA1"' in file.read_text("utf-8")
    nowhere = tmp_path / "none" / "call.html"
    assert main(["call", "CA", "--html", str(nowhere)], lambda: scene.lists, lambda: AT) == 1
    assert b"No such file" in capsysbinary.readouterr().err


def test_the_replay_command_names_a_log_that_can_be_replayed(scene):
    (log,) = scene.data["logs"]
    *_, file = log["replay"].split()
    assert file == str(scene.folder / scene.found[0][0].event_log)
    assert read_log(scene.folder / scene.found[0][0].event_log).header.call_sid == "CA1"
