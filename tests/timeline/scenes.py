"""A call in which everything happens that the timeline is to show, as its record and its event log."""

from dataclasses import replace

from server.providers.base import ProviderError
from server.turns.effects import Transfer
from tests.event_log.recorded import path_of_call, recorded
from tests.records.lists import witnessed
from tests.simtime.call import REPLY, SimCall
from tests.simtime.engines import Reply
from tests.simtime.line import LOUD, NOISE, Sound

HELD, FIRST, MORE, PERSON = "אני מחפש דירה של", "בחיפה", "או בתל אביב", "אני רוצה לדבר עם מישהו"
GOODBYE = "בסדר גמור, מיד מעבירה."
KNOBS = {
    "speculative_turns": True,
    "barge_in_early_stop": True,
    "transfer_number": "+97231234567",
    "office_hours": "",
}
SOUNDS = (
    Sound(3.0, 1.6, words=HELD),
    Sound(7.4, 0.2, NOISE, LOUD),  # over the reply: a cough
    Sound(13.0, 1.0, words=FIRST),
    Sound(14.4, 1.2, words=MORE),  # behind a pause in which the LLM is asked
    Sound(22.0, 1.6, words=PERSON),
)


def reply_to(request):
    if PERSON in request.text:
        return Reply(GOODBYE, acts=(Transfer(),))
    return ProviderError("HTTP 503") if MORE in request.text else REPLY


def eventful(
    folder,
    mode="events",
    transcripts="full",
    *,
    sounds=SOUNDS,
    seconds=30,
    reply=reply_to,
    llm_s=0.5,
    **knobs,
):
    """Reads of the records (``Lists``) that name an event log below ``folder``."""
    knobs = {**KNOBS, "log_transcripts": transcripts}
    call = SimCall(list(sounds), by_sound=True, partials_lag_s=0.05, reply=reply, llm_s=llm_s, knobs=knobs)
    recorded(call, folder, mode)
    lists, _ = witnessed(call, transcripts)
    call.run(seconds, hang_up=False)
    call.line.deliver({"event": "stop"})
    call.until(seconds + 3)
    log = path_of_call(call, folder).relative_to(folder).as_posix()
    lists.calls = {sid: replace(facts, event_log=log) for sid, facts in lists.calls.items()}
    return lists
