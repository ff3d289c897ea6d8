"""One event of a call at a time, whichever thread brings it."""

import threading
from types import SimpleNamespace

from server.audio.vad import EnergyOnly
from server.call.call_record import Ended
from server.call.context import CallContext
from server.call.dispatcher import Dispatcher
from server.config import Config
from server.providers.fallback import BreakerParams, FallbackChain
from server.providers.provider_set import Providers
from server.providers.tts_cache import TtsCache
from server.runtime.threads import Threads
from server.turns.events import ClosingDown
from tests.waiting import until

CONFIG = Config(_env_file=None, **{name: field.default for name, field in Config.model_fields.items()})


class Door(threading.Condition):
    """How many have come to it, those who still wait outside included."""

    came = 0

    def __enter__(self):
        self.came += 1
        return super().__enter__()


class Doors(Threads):
    def __init__(self):
        self.made = []

    def condition(self):
        self.made.append(Door(threading.Lock()))
        return self.made[-1]


def dispatcher_of(runtime, ended, action=lambda action: None):
    """Of a call that has not started."""
    stt, llm, tts = (
        FallbackChain(kind, (None,), BreakerParams(9, 30), runtime.clock) for kind in ("asr", "llm", "tts")
    )
    providers = Providers(stt, llm, tts, TtsCache([], []), EnergyOnly)
    record = SimpleNamespace(ended=ended.append, action=action)
    log = SimpleNamespace(sid="", of_the_core=lambda entry, wall_ms: None)
    return Dispatcher(CallContext(runtime, CONFIG, providers, log), record, None, None, None)


def test_f6_a_call_is_broken_off_between_two_events():
    """F6: in the middle of one it would take away what the caller has left: the end is an event as well."""
    runtime, ended, seen = Doors(), [], []
    dispatcher = dispatcher_of(runtime, ended)
    door = runtime.made[0]
    cutter = threading.Thread(target=dispatcher.break_off, args=(Ended.CUT,))

    def meanwhile():
        came = door.came
        cutter.start()
        until(lambda: door.came > came or not cutter.is_alive())
        seen.append((dispatcher.over, list(ended)))
        return False

    dispatcher.post(ClosingDown(), wanted=meanwhile)
    cutter.join(5)
    assert seen == [(False, [])]
    assert (dispatcher.over, ended) == (True, [Ended.CUT])


def test_our_own_bug_breaks_the_call_off(caplog):
    """The lock is held then: to ask for it again would hang the call, and whoever ends it."""

    def bug(action):
        raise RuntimeError("a bug of ours")

    ended = []
    dispatcher = dispatcher_of(Doors(), ended, bug)
    posting = threading.Thread(target=dispatcher.post, args=(ClosingDown(),), daemon=True)
    posting.start()
    posting.join(5)
    assert not posting.is_alive()
    assert (dispatcher.over, ended) == (True, [Ended.FAILED])
    assert "CALL_ERR" in caplog.text
