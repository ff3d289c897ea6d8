"""Where a sentence that was cut goes on: where the word being said began (D4).

text    יש שם שלושה חד|רים גדולים
audio   ~~~~ ~~~ ~~~~~~ ~~|~~~~ ~~~~~~~       | the cut
                       ^ goes on here
"""

from server.audio.frames import FRAME_BYTES, FRAMES_PER_S, level_codes, mulaw_to_pcm16

LEAST_HEARD_FRAMES = FRAMES_PER_S  # of less a listener has no thread to take up: it is said from its start
SEARCH_FRAMES = 6  # 120 ms: letters tell where a word begins no better
QUIET_RMS = 200  # the level of ``VAD_RMS``: between two words a voice falls below it


def last_word_begins(text: str, mulaw_8k: bytes, heard: int) -> int:
    """The frame at which the last word begins of which something is within the first ``heard`` frames.

    ``mulaw_8k``: the sentence's whole audio. By the share of its letters, and then at the nearest quiet frame
    within 120 ms, or the quietest: no word is cut in two. Never behind ``heard``; 0 when that is too little.
    """
    frames = -(-len(mulaw_8k) // FRAME_BYTES)
    if heard < LEAST_HEARD_FRAMES or heard > frames:
        return 0
    letters = len(text) * heard // frames
    begins = text.rfind(" ", 0, max(0, letters - 1)) + 1
    return _quiet_near(mulaw_8k, frames * begins // len(text), heard) if begins else 0


def _quiet_near(mulaw_8k: bytes, at: int, until: int) -> int:
    near = range(max(0, at - SEARCH_FRAMES), min(at + SEARCH_FRAMES, until) + 1)
    levels = {n: _level(mulaw_8k[n * FRAME_BYTES : (n + 1) * FRAME_BYTES]) for n in near}
    quiet = max(QUIET_RMS, min(levels.values()))
    return min((n for n in near if levels[n] <= quiet), key=lambda n: abs(n - at))


def _level(frame: bytes) -> int:
    """To within what a byte holds: an event log keeps no more of a voice, and decides alike."""
    return int.from_bytes(mulaw_to_pcm16(level_codes(frame)), "little")
