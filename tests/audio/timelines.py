"""Timelines drawn as text, and what the endpointer makes of them.

One character is a frame: ``#`` voice (both judges), ``n`` noise (energy only), ``m`` the model alone (energy
has fallen), ``s`` a soft syllable (the model, over VAD_RMS, under twice the floor), ``q`` voice too quiet to
stop us, ``.`` silence.
"""

from dataclasses import replace

from server.audio.endpointing import Endpoint, Endpointer, OnsetThreshold, endpointing_params
from server.audio.vad import VadResult

VERDICTS = {
    "#": VadResult(voiced=True, speech=True, loud=True, speaking=True),
    "n": VadResult(voiced=True, speech=False, loud=True, speaking=False),
    "m": VadResult(voiced=False, speech=True, loud=False, speaking=False),
    "s": VadResult(voiced=False, speech=True, loud=False, speaking=True),
    "q": VadResult(voiced=True, speech=True, loud=False, speaking=True),
    ".": VadResult(voiced=False, speech=False, loud=False, speaking=False),
}
ONSET, CONFIRMED, DISCARDED, ENDED = (
    Endpoint.ONSET,
    Endpoint.CONFIRMED,
    Endpoint.DISCARDED,
    Endpoint.ENDED,
)
PAUSED, RESUMED = Endpoint.PAUSED, Endpoint.RESUMED
RUNNING_ON, CAME_BACK = Endpoint.ENDED_RUNNING_ON, Endpoint.PAUSED_AND_RESUMED

KNOBS = {  # the playbook's
    "min_utt_s": 0.48,
    "hangover_ms": 140,
    "max_utt_s": 7.0,
    "hold_ms": 700,
    "adaptive_ms": 0,
    "min_voiced_ms": 120,
    "barge_in_frames": 3,
    "energy_only": False,
}
PARAMS = endpointing_params(**KNOBS)
ENERGY = replace(PARAMS, energy_only=True)
SHORT_CLOSING = 7 + 18  # frames: hangover and the silence after short speech
CLOSING = 7 + 24


def endpoints(timeline, *, params=PARAMS, bar=OnsetThreshold.ORDINARY, background=False):
    """How utterances open and close: ``[(frame, endpoint), …]``, frames counted from 1; no pauses."""
    found = follow(Endpointer(params), timeline, bar=bar, background=background)
    return [(frame, endpoint) for frame, endpoint in found if endpoint not in (PAUSED, RESUMED)]


def follow(endpointer, timeline, *, bar=OnsetThreshold.ORDINARY, background=False, start=0):
    """All that a timeline brings about."""
    found = []
    for number, mark in enumerate(timeline, start + 1):
        endpoint = endpointer.feed(VERDICTS[mark], bar, background)
        if endpoint is not None:
            found.append((number, endpoint))
    return found
