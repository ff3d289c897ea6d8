"""How many replies as models write them are spoken right: ``python -m bench.replies FILE [--all]``.

A line of FILE is a JSON object: ``raw`` (what the model writes), ``finish`` (its finish reason), ``spoken``
(what the caller is to hear, a text or its sentences; empty: an answer that is none), ``calls`` (what is to be
done: names, or objects with ``name`` and ``arguments``), and ``kind``. Each goes through the OpenAI LLM and
the local cloud in pieces of 1, 3 and 7 characters; right is what is so in all three.
"""

import argparse
import json
import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any

from server.config import Config
from server.providers.base import ProviderError, ReplyRequest
from server.providers.openai.llm import OpenAILlm
from server.providers.reply.spoken import SpokenReply
from server.turns.effects import Act, EndCall, SaveLead
from tests.cloud.openai import OpenAICloud, Script
from tests.wording import OURS

PIECES = (1, 3, 7)
CALLER = "אני מחפש דירה"
OURS = (
    OURS.added_question,
    OURS.wordless_goodbye,
    OURS.wordless_hand_over,
    OURS.wordless_noted,
)  # said where the model's text leaves too little


@dataclass(frozen=True)
class Outcome:
    """What was heard, and what was done."""

    spoken: str
    calls: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


def wanted(row: dict[str, Any]) -> Outcome:
    spoken = row["spoken"] if isinstance(row["spoken"], str) else " ".join(row["spoken"])
    calls = [call if isinstance(call, dict) else {"name": call} for call in row["calls"]]
    named = ((call["name"], call.get("arguments") or call.get("args") or {}) for call in calls)
    return Outcome(plain(spoken), tuple((name, details(arguments)) for name, arguments in named))


def details(arguments: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """In one line each, as they are kept."""
    return tuple(sorted((name, " ".join(str(value).split())) for name, value in arguments.items()))


def plain(spoken: str) -> str:
    """Without our own lines, and whatever ends a sentence: the words are what counts."""
    for line in OURS:
        spoken = spoken.replace(line, "")
    return " ".join(spoken.replace(".", " ").split())


def got(config: Config, row: dict[str, Any]) -> Outcome:
    request = ReplyRequest(CALLER, (), 1, "warm_helpful", 0, 420, person=True, agent=config.agent_persona)
    reply = SpokenReply(OpenAILlm(config), request, 10.0)
    try:
        spoken = " ".join(filter(None, reply))
    except ProviderError:
        return Outcome("", ())
    return Outcome(plain(spoken), tuple(map(as_call, reply.acts)))


def as_call(act: Act) -> tuple[str, tuple[tuple[str, str], ...]]:
    if isinstance(act, SaveLead):
        return "save_lead", details(dict(act.details))
    return ("end_call" if isinstance(act, EndCall) else "transfer_to_person"), ()


def finish_of(row: dict[str, Any]) -> dict[str, Any]:
    """A reason as the server says it; none: the stream merely ends."""
    finish = row.get("finish")
    return {"finish": "none", "done": False} if finish in (None, "", "none") else {"finish": finish}


def measure(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], list[Outcome]]]:
    """Each row with what came of it in pieces of each size."""
    found = []
    with OpenAICloud() as cloud:
        config = Config(_env_file=None, openai_base_url=cloud.base_url, openai_api_key="x")  # type: ignore[call-arg, arg-type]
        for row in rows:
            outcomes = []
            for size in PIECES:
                script = Script(row["raw"], piece=size, **finish_of(row))
                cloud.thinks = lambda request, script=script: (  # type: ignore[misc]
                    "" if request["messages"][-1]["role"] == "tool" else script
                )
                outcomes.append(got(config, row))
            found.append((row, outcomes))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--all", action="store_true", help="print the right ones too")
    words = parser.parse_args()
    logging.disable(logging.WARNING)
    with open(words.file, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    right, of_kind = Counter[str](), Counter[str]()
    for row, outcomes in measure(rows):
        kind, ok = str(row.get("kind", "")), set(outcomes) == {wanted(row)}
        of_kind[kind] += 1
        right[kind] += ok
        if words.all or not ok:
            print(f"{'right' if ok else 'WRONG'}  {kind}\n  {row['raw']!r}\n  wanted {wanted(row)}")
            print(*(f"  got    {outcome}" for outcome in dict.fromkeys(outcomes)), sep="\n")
    for kind, count in sorted(of_kind.items()):
        print(f"{right[kind]:>4} of {count:<4} {kind}")
    print(f"{right.total():>4} of {of_kind.total()} right")


if __name__ == "__main__":
    main()
