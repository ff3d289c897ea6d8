"""What one frame of the caller's costs: ``python -m bench.traced``.

A call in simulated time; ``sys.setprofile`` counts every function of the server that runs in it. Two flows:
from the first loud frame on the socket to the first frame of the reply, which modules and functions take part
and how deep their frames nest; and the calls that one frame of silence costs.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import FrameType

from bench.options import options
from tests.simtime.call import REPLY, SimCall
from tests.simtime.line import Sound

SERVER = str(Path(__file__).resolve().parents[1] / "server") + "/"
SPEECH_S, SPEECH_FOR_S = 4.0, 1.0
SILENCE_S, SILENT_FRAMES = 9.0, 50
ASIDE = ("hebrew/", "logs/")  # tables and redaction: they nest deep, and nothing passes through them
PURE = ("audio", "turns", "hebrew")


@dataclass
class Flow:
    """What ran while it was watched."""

    calls: Counter[str] = field(default_factory=Counter)  # of functions, by module and name
    depth: int = 0  # of nested frames, without ASIDE
    deepest: tuple[str, ...] = ()

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """A profile function: counts what is ours, generators each time they go on."""
        if event != "call" or not _is_ours(frame):
            return
        name = _name(frame)
        self.calls[name] += 1
        if name.startswith(ASIDE):
            return
        stack = []
        at: FrameType | None = frame
        while at is not None:
            if _is_ours(at):
                stack.append(_name(at))
            at = at.f_back
        if len(stack) > self.depth:
            self.depth, self.deepest = len(stack), tuple(reversed(stack))

    @property
    def modules(self) -> list[str]:
        return sorted({name.partition(":")[0] for name in self.calls})


def _is_ours(frame: FrameType) -> bool:
    """Part of the server, and not of the far end of the simulated line."""
    if not frame.f_code.co_filename.startswith(SERVER):
        return False
    asked_by = frame.f_back.f_code.co_filename if frame.f_back is not None else ""
    return "/simulator/" not in frame.f_code.co_filename and not asked_by.endswith("/simtime/line.py")


def _name(frame: FrameType) -> str:
    module = frame.f_code.co_filename.removeprefix(SERVER).removesuffix(".py")
    return f"{module}:{frame.f_code.co_qualname}"


def reply() -> Flow:
    """From the first loud frame that comes in to the first frame of the reply that goes out."""
    call = SimCall([Sound(SPEECH_S, SPEECH_FOR_S)], knobs={"ai_greeting_he": ""})
    flow = Flow()
    sent = call.line.send

    def send(data: str) -> None:
        if '"event":"media"' in data:
            sys.setprofile(None)
        sent(data)

    call.line.send = send  # type: ignore[method-assign]
    call.runtime.call_at(SPEECH_S - 0.001, lambda: sys.setprofile(flow))
    try:
        call.run(SPEECH_S + SPEECH_FOR_S + 4)
    finally:
        sys.setprofile(None)
    assert REPLY.startswith(call.texts[0]), "no reply was heard"
    return flow


def silent_frame() -> list[Flow]:
    """Each frame of a silence, once the call has nothing else to do."""
    call = SimCall([Sound(1.0, 1.0)], knobs={"ai_greeting_he": ""})
    flows = [Flow() for _ in range(SILENT_FRAMES)]
    for number, flow in enumerate(flows):
        at_s = SILENCE_S + number * 0.02 - 0.01
        call.runtime.call_at(at_s, lambda flow=flow: sys.setprofile(flow))  # type: ignore[misc]
    call.runtime.call_at(SILENCE_S + SILENT_FRAMES * 0.02 - 0.01, lambda: sys.setprofile(None))
    try:
        call.run(SILENCE_S + SILENT_FRAMES * 0.02 + 1)
    finally:
        sys.setprofile(None)
    return flows


def main() -> None:
    reply()  # what is worked out once, is not of the flow
    flow = reply()
    shell = [module for module in flow.modules if module.partition("/")[0] not in PURE]
    print(f"frame to first reply frame: {len(flow.modules)} modules, of them {len(shell)} of the shell,")
    print(f"  {len(flow.calls)} functions, our frames nest {flow.depth} deep:")
    for name in flow.deepest:
        print(f"    {name}")
    print(f"  shell: {' '.join(shell)}")
    print(f"  core: {' '.join(module for module in flow.modules if module not in shell)}")
    frames = silent_frame()
    counts = [sum(frame.calls.values()) for frame in frames]
    typical = frames[counts.index(sorted(counts)[len(counts) // 2])]
    print(
        f"silent frame: {min(counts)}–{max(counts)} calls, median {median(counts):.0f}, "
        f"in {len(typical.modules)} modules"
    )
    for name, count in sorted(typical.calls.items()):
        print(f"    {count} {name}")


if __name__ == "__main__":
    options(__doc__).parse_args()
    main()
