"""What the turn machine decides, action by action, so that two versions of it can be compared by ``diff``.

    python -m bench.actions OUT.jsonl [--walks 3000] [--keep CALLS]     play calls, and write what was decided
    python -m bench.actions OUT.jsonl --again CALLS                     the events that were kept, once more

Played are every story (as told, and with speculative turns) and seeded random walks: those of
``tests.conversations.test_random_walks``, ended by the caller, by the agent or by a server that goes. One
line of ``OUT.jsonl`` is one call: the number of each event that was answered, and its actions.

``--keep`` stores the events themselves. Events depend on actions alone, so a version that answers the same
events with the same actions plays the same call; ``--again`` is some twenty times faster than to play it.
"""

import argparse
import json
import pickle
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from server.settings.turn_params import dialogue_params
from server.turns.actions import Action
from server.turns.events import Event
from server.turns.machine import TurnMachine
from server.turns.params import TurnParams
from tests.conversations.test_random_walks import QUIET_END_S, calls
from tests.simtime.call import SimCall
from tests.simtime.office import Office
from tests.stories.story import read_stories
from tests.stories.telling import tell, typed_knobs

STORIES = Path(__file__).resolve().parents[1] / "tests" / "stories"
SEED = 14
BATCH = 100  # walks of one seed
AUDIO = re.compile(r"b'(?:[^'\\]|\\.){40,}'|b\"(?:[^\"\\]|\\.){40,}\"")

Call = tuple[str, TurnParams, list[Event]]  # its name, what its machine was made with, its events


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.actions", description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--walks", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="of the walks; the stories come before walk 0")
    parser.add_argument("--keep", type=Path, help="store the events of the calls")
    parser.add_argument("--again", type=Path, help="take the events from here")
    chosen = parser.parse_args()
    played = kept(chosen.again) if chosen.again else all_calls(chosen.first, chosen.walks)
    keep = chosen.keep.open("wb") if chosen.keep else None
    with chosen.out.open("w", encoding="utf-8") as out:
        for name, params, events in played:
            line = {"call": name, "answers": list(answers(params, events))}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            out.flush()
            if keep:
                packed = zlib.compress(pickle.dumps((name, params, events)))
                keep.write(len(packed).to_bytes(4, "big") + packed)
                keep.flush()


def answers(params: TurnParams, events: list[Event]) -> Iterator[list[int | str]]:
    """The number of each event that something was done about, and what."""
    machine = TurnMachine(params)
    for number, event in enumerate(events):
        if actions := machine.handle(event):
            yield [number, *map(written, actions)]


def written(action: Action) -> str:
    """Audio by its length and checksum."""
    return AUDIO.sub(lambda audio: f"<{len(audio[0])} {zlib.crc32(audio[0].encode()):08x}>", repr(action))


def kept(file: Path) -> Iterator[Call]:
    with file.open("rb") as packed:
        while size := packed.read(4):
            yield pickle.loads(zlib.decompress(packed.read(int.from_bytes(size, "big"))))


def all_calls(first: int, walks: int) -> Iterator[Call]:
    for story in read_stories(STORIES) if not first else ():
        yield of(story.title, tell(story).call)
        more = {"speculative_turns": True, "idle_prompt_sec": 8} | typed_knobs(story)
        yield of(f"{story.title}, early", tell(story, **more).call)
    for begin in range(first, walks, BATCH):
        yield from some_walks(begin, min(BATCH, walks - begin))


def of(name: str, call: SimCall) -> Call:
    return name, dialogue_params(call.config), [event for event, _ in call.events]


def some_walks(begin: int, count: int) -> list[Call]:
    """So many of the seed ``begin``; each ends by itself, is hung up on, or its server goes."""
    played: list[Call] = []

    @seed(SEED + begin)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(calls(), st.integers(0, 2), st.integers(1, 1500).map(lambda n: n / 50))
    def walk(call: SimCall, ending: int, at_s: float) -> None:
        Office(call)
        if ending == 1:
            call.run(at_s)
        else:
            if ending == 2:
                call.runtime.call_at(at_s, lambda: call.handler.close_down())
            call.run(18 + QUIET_END_S)
        call.until(call.runtime.now + 6)
        played.append(of(f"walk {begin + len(played)}", call))

    walk()
    return played


if __name__ == "__main__":
    main()
