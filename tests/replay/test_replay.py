"""A log told again decides the same, and what differs is shown where it does."""

import random
from unittest.mock import patch

import pytest
from hypothesis import given, settings

from bench.conversations import random_call
from server.event_log.reader import read_log
from server.replay.__main__ import main, moment_ms
from server.replay.replaying import difference_in, first_difference
from server.turns import no_input
from server.turns.events import FinalTranscript
from tests.conversations.test_random_walks import calls
from tests.event_log.recorded import log_of_call, path_of_call, recorded
from tests.simtime.call import SimCall
from tests.simtime.line import Sound
from tests.simtime.walks import walks


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A call of two turns, the second an interruption."""
    folder = tmp_path_factory.mktemp("logs")
    call = SimCall([Sound(4.0, 1.2), Sound(7.0, 1.6)], stt=["אני מחפש דירה", "לא, רגע 0501234567"])
    return path_of_call(recorded(call, folder).run(16), folder)


def test_random_calls_decide_the_same_again(tmp_path_factory):
    """Time: whatever happens in them."""

    @settings(walks, max_examples=30)
    @given(calls())
    def same(call):
        folder = tmp_path_factory.mktemp("walks")
        log = log_of_call(recorded(call, folder).run(30), folder)
        difference = difference_in(log)
        assert difference is None, "\n".join(difference.lines())

    same()


@pytest.mark.parametrize("number", range(4))
def test_a_call_with_audio_is_compared_byte_by_byte(tmp_path, number):
    call = recorded(random_call(random.Random(f"9.{number}")), tmp_path, "audio").run(30)
    log = log_of_call(call, tmp_path)
    assert log.header.audio and difference_in(log) is None
    assert first_difference(log.params, log.seen, audio=True) is None


def test_the_first_difference_is_shown_at_its_frame(spoken, capsys):
    """B6: a greeting a frame later is another decision, 40 frames into the call."""
    assert main([str(spoken)]) == 0
    assert "identical" in capsys.readouterr().out
    with patch.object(no_input, "GREETING_AFTER_FRAMES", 41):
        assert main([str(spoken)]) == 1
        out = capsys.readouterr().out
        assert "different" in out and "differs at 0:00.780, frame 40" in out
        assert '- Log(line="STATE' in out or "- Synthesize(" in out
        assert main([str(spoken), "--until", "0:00.5"]) == 0


def test_our_own_bug_is_shown_as_one(spoken, capsys):
    def raises(*_):
        raise RuntimeError("our own bug")

    with patch.object(no_input.OwnTurns, "greet", raises):
        assert main([str(spoken)]) == 1
    assert "raised now: RuntimeError: our own bug" in capsys.readouterr().out


def test_what_cannot_be_read_is_told(tmp_path, capsys):
    (tmp_path / "a.events").write_text("nothing\n")
    assert main([str(tmp_path / "a.events"), str(tmp_path / "b.events")]) == 2
    assert "a.events: is no event log" in (err := capsys.readouterr().err) and "b.events: No such file" in err


def test_it_is_much_faster_than_the_call(spoken, capsys):
    """The figure is in docs/event_log.md."""
    main([str(spoken)])
    speed = int(capsys.readouterr().out.partition(" × real time")[0].rpartition(" ")[2])
    assert speed >= 100


@pytest.mark.parametrize(("text", "ms"), [("1:23.4", 83_400), ("83.4", 83_400), ("0:05", 5000), ("7", 7000)])
def test_a_moment_is_written_as_people_do(text, ms):
    assert moment_ms(text) == ms


# ---- pinned -------------------------------------------------------------------------------------


def pinned(path, folder, *more):
    status = main([str(path), "--pin", "a_call", "--into", str(folder), *more])
    return status, folder / "a_call.events"


def test_a_pinned_call_decides_the_same_and_has_no_caller_in_it(spoken, tmp_path, capsys):
    status, path = pinned(spoken, tmp_path, "--why", "D4: a test")
    assert status == 0 and "bytes" in capsys.readouterr().out
    assert main([str(path)]) == 0
    out = capsys.readouterr().out
    assert "identical" in out and "D4: a test" in out
    log = read_log(path)
    told = repr(log.seen)
    for private in ("דירה", "0501234567", "972501234567", "CA1'"):
        assert private not in told
    assert [one.event.utterance_id for one in log.seen if isinstance(one.event, FinalTranscript)] == [1, 2]
    assert path.stat().st_size < spoken.stat().st_size


def test_it_ends_with_the_last_decision_that_is_pointed_at(spoken, tmp_path):
    _, path = pinned(spoken, tmp_path, "--until", "0:05")
    log = read_log(path)
    assert log.seconds <= 5 and log.seen[-1].actions


def test_a_word_that_decides_stays_and_is_told(tmp_path, capsys):
    """F2: a goodbye is one by its word."""
    call = recorded(SimCall([Sound(4.0, 1.2)], stt=["דוד אמר להתראות"]), tmp_path / "log").run(14)
    _, path = pinned(path_of_call(call, tmp_path / "log"), tmp_path)
    told = capsys.readouterr().out
    words = [one.event.text for one in read_log(path).seen if isinstance(one.event, FinalTranscript)]
    assert "דוד" not in words[0] and len(words[0].split()) == 3
    assert ("להתראות" in words[0]) is ("להתראות" in told)


def test_what_is_pinned_is_what_this_program_decides(spoken, tmp_path, capsys):
    """A fault is mended, then pinned: up to the mended decision, behind which the log is another call's."""
    with patch.object(no_input, "GREETING_AFTER_FRAMES", 39):
        _, path = pinned(spoken, tmp_path)
        assert main([str(path)]) == 0
    log = read_log(path)
    assert log.seconds < 1 and log.seen[-1].actions
    assert main([str(path)]) == 1


@pytest.mark.parametrize("name", ["Big", "../x", "", "9x"])
def test_a_name_that_is_none_is_refused(spoken, tmp_path, name, capsys):
    assert main([str(spoken), "--pin", name or " ", "--into", str(tmp_path)]) == 2
    assert "is no name for a test" in capsys.readouterr().err
