"""The playbook's skeleton, unchanged, on the simulated line: what the tests of its defects must fail on."""

import queue
import random
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from server.audio.frames import mulaw_to_pcm16
from server.providers.base import ReplyRequest
from tests.simtime.call import SimCall
from tests.simtime.runtime import SimRuntime

SOURCE = (Path(__file__).parent / "skeleton.py.txt").read_text(encoding="utf-8")
IMPORTS = "import os, json, time, base64, audioop, math, threading, queue, random, zlib\n"
ASR_S, LLM_S, TTS_S = 0.0, 0.3, 0.1


class SkeletonCall(SimCall):
    """``SimCall`` with the skeleton's handler in the place of ours; engines at 0, 300 and 100 ms."""

    def _serve(self) -> None:
        namespace = self._modules()
        assert IMPORTS in SOURCE
        exec(SOURCE.replace(IMPORTS, ""), namespace)
        self.skeleton = namespace["MediaStreamHandler"](self.line)
        self.skeleton.run()
        self.finished = True

    def _modules(self) -> dict[str, Any]:
        import audioop
        import base64
        import json
        import math
        import zlib

        knobs = {name.upper(): str(getattr(self.config, name)) for name in type(self.config).model_fields}
        clock = _SimTime(self.runtime)
        return {
            "os": SimpleNamespace(getenv=lambda name, default=None: knobs.get(name, default)),
            "time": clock,
            "threading": _SimThreading(self.runtime),
            "queue": _SimQueues(self.runtime),
            "random": random.Random(1),
            "print": lambda *words: self.log.append(" ".join(map(str, words))),
            **{module.__name__: module for module in (audioop, base64, json, math, zlib)},
            "asr_hebrew_from_pcm16_8k": self._asr(clock),
            "generate_hebrew_response": self._respond(clock),
            "synth_hebrew_tts_pcm16_8k": self._synth(clock),
        }

    def _asr(self, clock: "_SimTime") -> Any:
        def asr(pcm16: bytes) -> str:
            clock.sleep(ASR_S)
            self.stt.heard.append(pcm16)
            number = len(self.stt.heard) - 1
            return str(self.stt.lines[min(number, len(self.stt.lines) - 1)])

        return asr

    def _respond(self, clock: "_SimTime") -> Any:
        def respond(text: str, **style: Any) -> str:
            clock.sleep(max(LLM_S, self.llm.delay_s))
            self.llm.requests.append(ReplyRequest(text, (), 0, "", 0, 0))
            return str(self.llm.reply(self.llm.requests[-1]))

        return respond

    def _synth(self, clock: "_SimTime") -> Any:
        def synth(text: str) -> bytes:
            clock.sleep(TTS_S)
            return mulaw_to_pcm16(self.voice.audio(text))

        return synth


class _SimTime:
    def __init__(self, runtime: SimRuntime) -> None:
        self._runtime = runtime
        self.time = runtime.clock

    def sleep(self, seconds: float) -> None:
        condition = self._runtime.condition()
        with condition:
            condition.wait(seconds)


class _SimThreading:
    def __init__(self, runtime: SimRuntime) -> None:
        self._runtime = runtime

    def Thread(self, target: Any, args: tuple[Any, ...] = (), daemon: bool = False) -> SimpleNamespace:
        return SimpleNamespace(start=lambda: self._runtime.spawn(target.__name__, lambda: target(*args)))


class _SimQueues:
    Full, Empty = queue.Full, queue.Empty

    def __init__(self, runtime: SimRuntime) -> None:
        self._runtime = runtime

    def Queue(self, maxsize: int) -> "_SimQueue":
        return _SimQueue(self._runtime, maxsize)


class _SimQueue:
    def __init__(self, runtime: SimRuntime, maxsize: int) -> None:
        self._items: deque[Any] = deque()
        self._maxsize = maxsize
        self._changed = runtime.condition()

    def put_nowait(self, item: Any) -> None:
        if len(self._items) >= self._maxsize:
            raise queue.Full
        self._items.append(item)
        with self._changed:
            self._changed.notify_all()

    def get(self, timeout: float) -> Any:
        with self._changed:
            if not self._items:
                self._changed.wait(timeout)
        return self.get_nowait()

    def get_nowait(self) -> Any:
        if not self._items:
            raise queue.Empty
        return self._items.popleft()

    def empty(self) -> bool:
        return not self._items
