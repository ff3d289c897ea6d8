"""Calls drawn as text: one character is 100 ms."""

from collections.abc import Sequence

from server.audio.frames import pcm16_to_mulaw
from server.audio.twilio_buffer import TwilioBuffer
from server.simulator.script import Burst, Turn
from server.simulator.timeline import Timeline, analyse

LOUD = pcm16_to_mulaw(b"\x00\x10" * 800)


def call(agent: str, caller: str, bursts: Sequence[tuple[Burst, int]] = ()) -> Timeline:
    """``agent``: ``#`` 100 ms of sound, ``c`` a clear and 100 ms of nothing, ``C`` a clear and sound.

    A stretch of sound is sent at once where it begins, so a clear inside it throws the rest away.
    ``caller``: a letter per turn while it speaks.
    """
    buffer = TwilioBuffer()
    for n, character in enumerate(agent):
        if character in "cC":
            buffer.clear(n / 10)
        if character in "#C" and (n == 0 or agent[n - 1] not in "#C" or character == "C"):
            length = next((i for i, c in enumerate(agent[n + 1 :]) if c != "#"), len(agent) - n - 1) + 1
            extra = 5 if agent[n + length : n + length + 1] in ("c", "C") else 0  # to be cut
            buffer.media(LOUD * (length + extra), n / 10)
            buffer.mark(f"m{n}", n / 10)
    buffer.advance(len(agent) / 10)
    turns = []
    for letter in sorted(set(caller) - {".", " "}):
        first, last = caller.index(letter), caller.rindex(letter)
        turns.append(Turn(len(turns) + 1, letter, "say", first * 5, (last + 1) * 5))
    return analyse(turns, buffer, bursts)
