"""LINES_FILE: an office's own wording, wherever a fixed line is said. Whole calls in simulated time."""

import json
import re
import wave
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest

from server.config import own_lines
from server.office.leads_writer import LeadsWriter
from server.providers.base import ProviderError
from server.providers.embedded.llm.receptionist import Receptionist
from server.settings.prompts_file import OURS as OUR_FILE
from server.shared_state.state import SharedState
from server.turns.effects import EndCall, Line, PhoneCall, SaveLead, Speaker, Transfer
from tests.providers.llms import asked
from tests.servers.test_routes_twilio import make_app
from tests.simtime.call import GREETING, SimCall
from tests.simtime.engines import Reply
from tests.simtime.line import Sound
from tests.wording import OURS

MARK = "נו, "  # before every line of this office
NOON = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PERSON = {"transfer_number": "+97231234567"}


@pytest.fixture
def office(tmp_path):
    """A file with every line of ours, each with a mark."""
    text = re.sub(r"^  ", MARK, OUR_FILE.read_text("utf-8"), flags=re.M)
    path = tmp_path / "office.txt"
    path.write_text(text, "utf-8")
    return str(path)


def call_of(tmp_path, office, sounds, *, knobs=None, **more):
    knobs = {"lines_file": office, "leads_file": str(tmp_path / "leads"), "office_hours": "", **(knobs or {})}
    call = SimCall(sounds, knobs=knobs, **more)
    leads = LeadsWriter(knobs["leads_file"], SharedState(), now=lambda: NOON)
    call.host = {"leads": leads, "now": lambda: NOON}
    return call


def turns(count):
    return [Sound(3.0 + 8 * number, 1.5) for number in range(count)]


def no_key(request):
    raise ProviderError("no such key")


CALLS = {
    "silence": (0, {"knobs": {"idle_prompt_sec": 5}}, 3),
    "unclear": (6, {"stt": [""] * 6}, 6),
    "unclear, and a person": (6, {"stt": [""] * 6, "knobs": PERSON}, 6),
    "no answer": (6, {"stt": list("אבגדהו"), "reply": no_key}, 6),
    "no person": (4, {"stt": ["נציג", "כן", "דנה בקשר לדירה", "להתראות"]}, 4),
    "no person, and no number": (
        3,
        {"stt": ["נציג", "דנה בקשר לדירה", "אין לי מספר"], "caller": "anonymous"},
        3,
    ),
    "no message": (2, {"stt": ["נציג", "לא תודה"]}, 2),
    "a person": (1, {"stt": ["נציג"], "knobs": PERSON}, 1),
    "too long": (4, {"knobs": {"max_call_sec": 30}, "stt": list("אבגד")}, 1),
    "the same again": (2, {"stt": ["מה יש", "אז מה יש"], "reply": "יש שלושה חדרים."}, 1),
}


@pytest.mark.parametrize(("count", "more", "said"), CALLS.values(), ids=CALLS)
def test_every_line_that_is_heard_is_the_offices(tmp_path, office, count, more, said):
    """E1, E4, F1, F3, F4, G2: and it was made before the call, in each of its genders."""
    call = call_of(tmp_path, office, turns(count), **more).run(70, hang_up=False)
    lines = [text for text in call.texts if text.startswith(MARK)]
    assert len(lines) >= said
    replies = {GREETING, "יש שלושה חדרים.", "הבנתי אותך היטב, תודה רבה.", "נמשיך הלאה בשמחה לשאלה הבאה?"}
    assert set(call.texts) - set(lines) <= replies
    assert all(call.phrases.get(line) for line in lines)


def test_it_is_in_the_history_in_the_genders_of_both(tmp_path, office):
    """Gender, F3: what the LLM is told is what was heard."""
    stt = ["אני מחפשת דירה, תעבירי אותי לנציג", "נציג", "כמה חדרים"]
    knobs = {"agent_gender": "masculine"}
    call = call_of(tmp_path, office, turns(3), stt=stt, knobs=knobs).run(32)
    heard = call.llm.requests[-1].history[-1].text
    assert heard.startswith(MARK) and heard.endswith("ונחזור אלייך.")


def test_e3_it_comes_back_as_an_echo(tmp_path, office):
    """E3: the line gives the office's words back; they are no answer."""
    sounds = [Sound(3.0, 1.5), Sound(7.0, 1.5)]
    call = call_of(tmp_path, office, sounds, stt=["נציג", "נו כרגע אין נציג פנוי"]).run(20)
    assert call.lines("ECHO → ignore") and call.llm.requests == []


def test_the_office_is_told_who_heard_that_there_is_nobody(tmp_path, office):
    """newcomer 12: whatever the words for it are."""
    call_of(tmp_path, office, turns(1), stt=["נציג"]).run(12)
    kinds = [json.loads(line) for line in (tmp_path / "leads").read_text("utf-8").splitlines()]
    assert "no_person" in [line.get("missed") for line in kinds]


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (Reply("", acts=(EndCall(),)), "wordless_goodbye"),
        (Reply("", acts=(Transfer(),)), "wordless_hand_over"),
        (Reply("", acts=(SaveLead.of(name="דנה"),)), "wordless_noted"),
        (Reply("התור בוטל."), "added_question"),
    ],
)
def test_e5_what_is_said_for_an_llm_is_the_offices(tmp_path, office, reply, name):
    """E5: one that acts without a word, or says too little; ready before the call too."""
    call = call_of(tmp_path, office, turns(1), reply=lambda _: reply, knobs=PERSON)
    call.llm.authored = False
    call.run(12)
    assert call.texts[-1] == MARK + getattr(OURS, name) and call.phrases.get(call.texts[-1])


def test_f3_a_message_is_taken_behind_the_offices_words(office, tmp_path):
    """F3: by the receptionist, for an LLM that has failed."""
    lines = own_lines(call_of(tmp_path, office, []).config)
    asks = Line(Speaker.AGENT, lines.message_number)
    request = asked("דנה 0521234567", lines=lines, call=PhoneCall("CA1", ""))
    reply = Receptionist().respond(replace(request, history=(asks,)), 1.0)
    assert "".join(reply).startswith(MARK) and reply.acts


def test_twilio_plays_the_offices(office, tmp_path):
    """The lines outside a call: made, and served, in its words."""
    longer = tmp_path / "longer.txt"
    longer.write_text("busy: כל הקווים תפוסים כרגע, ואנחנו מבקשים סליחה רבה מאוד על ההמתנה הארוכה.", "utf-8")
    lengths = []
    for path in ("", str(longer)):
        response = make_app(lines_file=path).test_client().get("/media/busy.wav")
        with wave.open(BytesIO(response.data)) as audio:
            lengths.append(audio.getnframes())
    assert lengths[1] > 1.2 * lengths[0]
