"""OpenAI's LLM: the real SDK against a local server that speaks OpenAI's protocol, over real sockets."""

import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config import Config
from server.hebrew.understand.gender import Gender
from server.providers.base import ProviderError, ReplyRequest
from server.providers.deadlines import BoundedStream
from server.providers.openai import prompt
from server.providers.openai.llm import SAVED, OpenAILlm, effort
from server.providers.openai.tools import ToolCalls, as_messages
from server.providers.reply.spoken import READ_ON_CHARS, SENTENCE_CHARS, SpokenReply, still_to_say
from server.runtime.threads import Threads
from server.turns.effects import Act, EndCall, Expected, Line, PhoneCall, SaveLead, Speaker, Transfer
from tests.cloud.openai import NO_FINISH, OpenAICloud, Script, ToolCall
from tests.cloud.watch import Fault
from tests.providers.reading import under_gevent
from tests.waiting import until
from tests.wording import OURS

REPLY = (
    "יש הרבה דירות יפות בחיפה, ויש גם כמה שכונות שקטות עם גינות. "
    "כדי שיהיה קל לדייק את החיפוש, כדאי לדעת עוד שני פרטים קטנים על מה שחשוב. "
    "כמה חדרים צריך?"
)
TALKATIVE = REPLY + " ועוד דבר אחד. " + "ועוד משפט שאיש לא ישמע. " * 40
SUNDAY_NIGHT = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)  # half past eleven in Israel
SAVE = ToolCall("save_lead", {"name": "דנה", "city": "חיפה"})
SAVED_LEAD = SaveLead((("name", "דנה"), ("city", "חיפה")))


@pytest.fixture(autouse=True)
def a_fresh_template() -> None:
    prompt.template.cache_clear()


@pytest.fixture
def cloud() -> Iterator[OpenAICloud]:
    with OpenAICloud(thinks=lambda request: REPLY) as cloud:
        yield cloud


def knobs(cloud: OpenAICloud, **others: object) -> Config:
    values = {"openai_base_url": cloud.base_url, "openai_api_key": "sk-1", **others}
    return Config(_env_file=None, **values)  # type: ignore[call-arg, arg-type]


def asked(text: str = "אני מחפש דירה בחיפה", *history: Line, **others: Any) -> ReplyRequest:
    values = {"turn_number": 1, "target_style": "warm_helpful", "min_chars": 140, "max_chars": 420, **others}
    return ReplyRequest(text, history, **values)


def reply(cloud: OpenAICloud, request: ReplyRequest | None = None, **others: object) -> tuple[str, Any]:
    """The whole text as spoken, and the acts."""
    spoken = spoken_by(cloud, request, **others)
    return " ".join(filter(None, spoken)), spoken.acts


def spoken_by(
    cloud: OpenAICloud, request: ReplyRequest | None = None, timeout_s: float = 5.0, **others: object
) -> SpokenReply:
    llm = OpenAILlm(knobs(cloud, **others), now=lambda: SUNDAY_NIGHT)
    return SpokenReply(llm, request or asked(), timeout_s)


def sent(cloud: OpenAICloud, index: int = -1) -> dict[str, Any]:
    request: dict[str, Any] = cloud.chat.exchanges[index].request
    return request


def told(cloud: OpenAICloud, index: int = -1) -> list[tuple[str, str]]:
    """Role and content of the messages behind the system prompt."""
    system, *messages = [(message["role"], message["content"]) for message in sent(cloud, index)["messages"]]
    assert system[0] == "system"
    return messages


def prompted(cloud: OpenAICloud, index: int = -1) -> str:
    """The system prompt."""
    return str(sent(cloud, index)["messages"][0]["content"])


LINES = st.builds(
    Line, st.sampled_from(Speaker), st.sampled_from(["", "שלום", "באיזו עיר?"]), st.booleans()
).filter(lambda line: line.text or line.interrupted)


class TestRequest:
    def test_it_speaks(self, cloud: OpenAICloud) -> None:
        stream = OpenAILlm(knobs(cloud)).respond(asked(), 5.0)
        assert "".join(stream).strip() == REPLY
        assert (stream.expected, stream.acts) == (Expected(), ())

    def test_nothing_is_sent_before_it_is_listened_to(self, cloud: OpenAICloud) -> None:
        started = time.monotonic()
        OpenAILlm(knobs(cloud, llm_prompt_file="missing")).respond(asked(), 5.0)
        assert time.monotonic() - started < 0.05
        assert cloud.watch.connections == 0

    def test_what_is_asked_for(self, cloud: OpenAICloud) -> None:
        reply(cloud)
        request = sent(cloud)
        assert (request["model"], request["stream"]) == ("gpt-5.4-mini", True)
        assert request["reasoning_effort"] == "none"
        assert request["tool_choice"] == "auto"
        assert "temperature" not in request
        reply(cloud, openai_llm_temperature=0.4, openai_llm_effort="unset", openai_llm_model="qwen")
        assert sent(cloud)["temperature"] == 0.4
        assert sent(cloud)["model"] == "qwen"
        assert "reasoning_effort" not in sent(cloud)

    @pytest.mark.parametrize(
        ("model", "knob", "expected"),
        [
            ("gpt-5.4-mini", "auto", "none"),
            ("gpt-5.6", "auto", "none"),
            ("gpt-5", "auto", "minimal"),
            ("gpt-5-mini", "auto", "minimal"),
            ("gpt-5-nano-2025-08-07", "auto", "minimal"),
            ("gpt-5-chat-latest", "auto", None),
            ("gpt-4.1-mini", "auto", None),
            ("gpt-5.4-mini", "unset", None),
            ("gpt-4.1-mini", "low", "low"),
        ],
    )
    def test_reasoning_effort(self, cloud: OpenAICloud, model: str, knob: str, expected: str | None) -> None:
        assert effort(knobs(cloud, openai_llm_model=model, openai_llm_effort=knob)) == expected

    def test_history_is_told_as_it_was_heard(self, cloud: OpenAICloud) -> None:
        """D3: the words up to the interruption, which is noted in the caller's message."""
        history = (
            Line(Speaker.CALLER, "אני מחפש דירה"),
            Line(Speaker.AGENT, "בשמחה. יש לנו", interrupted=True),
            Line(Speaker.CALLER, "רגע"),
            Line(Speaker.AGENT, "", interrupted=True),
        )
        reply(cloud, asked("בחיפה", *history))
        assert told(cloud) == [
            ("user", "אני מחפש דירה"),
            ("assistant", "בשמחה. יש לנו"),
            ("user", f"{prompt.CUT_IN}\nרגע\n{prompt.CUT_IN}\nבחיפה"),
        ]

    def test_a_history_that_begins_with_the_agent(self, cloud: OpenAICloud) -> None:
        """E7: the caller's message before it is no longer kept."""
        reply(cloud, asked("בחיפה", Line(Speaker.AGENT, "באיזו עיר?")))
        assert told(cloud) == [("user", prompt.BEGUN), ("assistant", "באיזו עיר?"), ("user", "בחיפה")]

    @given(history=st.lists(LINES, max_size=8), said=st.sampled_from(["", "בשמחה."]))
    def test_every_chat_template_takes_it(self, history: list[Line], said: str) -> None:
        """One system message first; then both sides in turn, the caller first and last; none empty."""
        config = Config(_env_file=None)  # type: ignore[call-arg]
        messages = prompt.messages(config, asked("בחיפה", *history, said=said), SUNDAY_NIGHT.date())
        roles = [message["role"] for message in messages]
        assert roles[:2] == ["system", "user"] and roles[-1] == "user"
        assert "system" not in roles[1:]
        assert all(role != following for role, following in pairwise(roles))
        assert all(message["content"] for message in messages)
        ours = (prompt.CUT_IN, prompt.BEGUN, prompt.GO_ON)
        agent = [message["content"] for message in messages if message["role"] == "assistant"]
        assert not any(note in content for note in ours for content in agent)

    def test_turns_share_one_connection(self, cloud: OpenAICloud) -> None:
        llm = OpenAILlm(knobs(cloud))
        llm.warm()
        for number in range(3):
            assert "".join(llm.respond(asked(turn_number=number), 5.0)).strip() == REPLY
        assert cloud.watch.connections == 1


class TestPrompt:
    def test_our_own(self, cloud: OpenAICloud) -> None:
        reply(cloud, agent_persona="אורי, נציג של משרד הצפון")
        text = prompted(cloud)
        assert "אורי, נציג של משרד הצפון" in text
        assert prompt.STYLES["warm_helpful"] in text
        assert "140" in text and "420" in text
        assert "{" not in text and "}" not in text

    @pytest.mark.parametrize(
        "says",
        [
            "15 ביולי, ולא 15.7",
            "מ-1.9 מיליון ל-2.2 מיליון",
            "שעה עם נקודתיים",
            "היא יכולה להישאר קצרה",
            "שאלה אחת לכל היותר",
            "שבת שלום",
            "תשובה ששואלת משהו אינה מסיימת את השיחה",
            "באותה לשון שבה דיברו על עצמם",
            "התפקיד שלך בשיחה:",
            "סוכן או סוכנת מהמשרד",
            "חם, סבלני ומסביר פנים",
            "לא כותבים מחשבות, קוד או שמות של כלים",
        ],
    )
    def test_what_it_says_of_speech(self, cloud: OpenAICloud, says: str) -> None:
        """Kind G: what a voice can say, and what only the LLM can judge."""
        reply(cloud)
        assert says in prompted(cloud)
        assert "שאלה אחת בדיוק" not in prompted(cloud)

    def test_what_changes_is_at_its_end(self, cloud: OpenAICloud) -> None:
        """Then the vendor can cache the rest of the prompt."""
        turns = [
            asked(turn_number=1),
            asked("לא", Line(Speaker.CALLER, "שלום"), turn_number=2, caller=Gender.FEMININE, may_wait=True),
            asked("לא", turn_number=3, said="בשמחה."),
        ]
        for turn in turns:
            reply(cloud, turn)
        standing = prompt.standing_prompt(knobs(cloud), turns[0])
        assert len(standing) > 2000
        assert all(prompted(cloud, number).startswith(standing) for number in range(3))
        assert sent(cloud, 0)["tools"] == sent(cloud, 1)["tools"] == sent(cloud, 2)["tools"]

    @pytest.mark.parametrize(("gender", "says"), [("feminine", "בלשון נקבה"), ("masculine", "בלשון זכר")])
    def test_the_agents_own_gender(self, cloud: OpenAICloud, gender: str, says: str) -> None:
        reply(cloud, agent_gender=gender)
        assert f"על עצמך מדברים {says}." in prompted(cloud)

    @pytest.mark.parametrize(
        ("caller", "says"), [(Gender.FEMININE, "את מחפשת"), (Gender.MASCULINE, "אתה מחפש")]
    )
    def test_the_callers_gender_as_the_rules_guess_it(
        self, cloud: OpenAICloud, caller: Gender, says: str
    ) -> None:
        """Kind 16, H: a hint; the model may judge the caller's words differently."""
        reply(cloud, asked(caller=caller))
        assert prompt.ADDRESS[caller] in prompted(cloud) and says in prompt.ADDRESS[caller]
        assert "ככל הנראה" in prompt.ADDRESS[caller] and "אלא אם מהשיחה עצמה" in prompt.ADDRESS[caller]
        assert "גם אם בסוף ההנחיות כתוב ניחוש אחר" in prompted(cloud)
        reply(cloud)
        assert not any(line in prompted(cloud) for line in prompt.ADDRESS.values())
        assert "פונים בלי מגדר" in prompted(cloud)

    @pytest.mark.parametrize(
        ("now", "says"),
        [
            (SUNDAY_NIGHT, "היום יום ראשון, 22 בנובמבר 2026."),
            (SUNDAY_NIGHT.replace(hour=22), "היום יום שני, 23 בנובמבר 2026."),
            (datetime(2026, 7, 4, 12, tzinfo=UTC), "היום יום שבת, 4 ביולי 2026."),
        ],
    )
    def test_it_knows_the_date_in_israel(self, cloud: OpenAICloud, now: datetime, says: str) -> None:
        list(OpenAILlm(knobs(cloud), now=lambda: now).respond(asked(), 5.0))
        assert says in prompted(cloud)

    def test_the_date_is_todays(self, cloud: OpenAICloud) -> None:
        before = datetime.now(UTC).year
        list(OpenAILlm(knobs(cloud)).respond(asked(), 5.0))
        assert any(f" {year}." in prompted(cloud) for year in (before, before + 1))

    def test_an_unknown_style_is_passed_as_it_is(self, cloud: OpenAICloud) -> None:
        reply(cloud, asked(target_style="מצחיק אבל לא יותר מדי"))
        assert "מצחיק אבל לא יותר מדי" in prompted(cloud)

    def test_a_person_to_hand_over_to_or_none(self, cloud: OpenAICloud) -> None:
        """F3: if nobody is there now, the agent takes a message; a number alone is no person."""
        reply(cloud, transfer_number="+97231234567")
        assert prompt.WITHOUT_A_PERSON in prompted(cloud)
        assert {tool["function"]["name"] for tool in sent(cloud)["tools"]} == {"save_lead", "end_call"}
        reply(cloud, asked(person=True))
        assert prompt.WITH_A_PERSON in prompted(cloud)
        assert len(sent(cloud)["tools"]) == 3

    def test_f11_what_the_model_knows_of_the_number(self, cloud: OpenAICloud) -> None:
        """F11: that there is one, and its last digits; or that nobody can be called back."""
        reply(cloud, asked(call=PhoneCall("CA1", "+972501234567")))
        assert "מסתיים ב-4567." in prompted(cloud) and "123" not in prompted(cloud)
        reply(cloud, asked(call=PhoneCall("CA1", "")))
        assert prompt.NUMBER_HIDDEN in prompted(cloud) and "מסתיים" not in prompted(cloud)

    def test_a_users_own_with_braces(self, cloud: OpenAICloud, tmp_path: Path) -> None:
        own = tmp_path / "prompt.md"
        own.write_text('{persona}: {"a": {max_chars}} {} {unknown} {0} 100% $x {persona', "utf-8")
        reply(cloud, llm_prompt_file=str(own), agent_persona="{style}")
        content = '{style}: {"a": 420} {} {unknown} {0} 100% $x {persona'
        assert prompted(cloud) == f"{content}\n\n{prompt.prompt_of_turn(asked(), SUNDAY_NIGHT.date())}"

    def test_it_is_read_once(self, cloud: OpenAICloud, tmp_path: Path) -> None:
        own = tmp_path / "prompt.md"
        own.write_text("קצר", "utf-8")
        reply(cloud, llm_prompt_file=str(own))
        own.unlink()
        assert reply(cloud, llm_prompt_file=str(own))[0] == REPLY

    def test_a_missing_one_names_its_knob(self, cloud: OpenAICloud, tmp_path: Path) -> None:
        missing = str(tmp_path / "nothing.md")
        with pytest.raises(ProviderError, match="LLM_PROMPT_FILE"):
            OpenAILlm(knobs(cloud, llm_prompt_file=missing)).warm()
        with pytest.raises(ProviderError, match="LLM_PROMPT_FILE"):
            reply(cloud, llm_prompt_file=missing)
        latin = tmp_path / "latin.md"
        latin.write_bytes("é".encode("latin-1"))
        with pytest.raises(ProviderError, match="UTF-8"):
            reply(cloud, llm_prompt_file=str(latin))


class TestShape:
    def test_the_stream_is_closed_once_enough_was_said(self, cloud: OpenAICloud) -> None:
        """E5."""
        cloud.thinks = lambda request: TALKATIVE
        cloud.chat.delays.between_s = 0.001
        assert reply(cloud)[0] == REPLY
        (exchange,) = cloud.chat.exchanges
        until(lambda: exchange.dropped_at)
        assert exchange.sent * 4 < len(REPLY) + 60 + READ_ON_CHARS

    def test_a_short_reply_grows(self, cloud: OpenAICloud) -> None:
        """E5."""
        cloud.thinks = lambda request: "התור בוטל."
        assert reply(cloud)[0] == f"התור בוטל. {OURS.added_question}"


MARKS = ["…", "...", " … ", '"…"', "[…]", "……"]


class TestNotFinished:
    """A7: the LLM is the second judge of unfinished turns."""

    def test_it_is_told_only_when_it_may(self, cloud: OpenAICloud) -> None:
        reply(cloud, asked(may_wait=True))
        reply(cloud)
        assert prompt.MAY_WAIT in prompted(cloud, 0) and prompt.MAY_WAIT not in prompted(cloud, 1)

    @pytest.mark.parametrize("text", MARKS)
    @pytest.mark.parametrize("tools", [(), (SAVE,), (ToolCall("end_call"),)])
    def test_it_waits_and_does_nothing(
        self, cloud: OpenAICloud, text: str, tools: tuple[ToolCall, ...]
    ) -> None:
        """Nothing is added, and the LLM is not asked again."""
        cloud.thinks = lambda request: Script(text, tools)
        assert reply(cloud, asked("אני מחפש דירה של", may_wait=True)) == ("…", ())
        assert len(cloud.chat.exchanges) == 1

    def test_it_may_find_that_the_caller_only_listens(self, cloud: OpenAICloud) -> None:
        """D4: the prompt says so for words during playout only."""
        cloud.thinks = lambda request: "…"
        assert reply(cloud, asked("אחלה בחלה", may_listen=True)) == ("…", ())
        told = prompted(cloud, 0)
        assert prompt.MAY_LISTEN in told and prompt.MAY_WAIT not in told
        cloud.thinks = lambda request: REPLY
        reply(cloud, asked(may_wait=True))
        assert prompt.MAY_LISTEN not in prompted(cloud, 1)

    @pytest.mark.parametrize("text", MARKS)
    def test_unasked_it_is_no_answer(self, cloud: OpenAICloud, text: str) -> None:
        cloud.thinks = lambda request: text
        with pytest.raises(ProviderError, match="empty") as caught:
            reply(cloud)
        assert caught.value.retryable

    @pytest.mark.parametrize("text", ["", "***", "🙂"])
    def test_nothing_is_not_waiting(self, cloud: OpenAICloud, text: str) -> None:
        cloud.thinks = lambda request: text
        with pytest.raises(ProviderError, match="empty"):
            reply(cloud, asked(may_wait=True))

    def test_an_answer_is_an_answer(self, cloud: OpenAICloud) -> None:
        """Also one that begins with an ellipsis; a quotation mark is kept."""
        cloud.thinks = lambda request: "… " + REPLY
        assert reply(cloud, asked(may_wait=True)) == (REPLY, ())
        cloud.thinks = lambda request: '"' + REPLY.replace("יש", 'יש"', 1)
        assert reply(cloud, asked(may_wait=True))[0].startswith('"יש" הרבה')


class TestGoingOn:
    """D4: the rest of an interrupted reply."""

    def test_it_is_told_what_it_has_said(self, cloud: OpenAICloud) -> None:
        first, second, question = REPLY.replace(". ", ".|").split("|")
        cloud.thinks = lambda request: f"{second} {question}"
        heard = asked("בחיפה", Line(Speaker.CALLER, "שלום"), said=first)
        assert reply(cloud, heard) == (f"{second} {question}", ())
        assert told(cloud) == [("user", "שלום\nבחיפה"), ("assistant", first), ("user", prompt.GO_ON)]

    @pytest.mark.parametrize(
        ("said", "least", "most"),
        [
            ("", 140, 420),
            ("א" * 99 + ".", 40, 320),
            ("א" * 199 + ".", 1, 220),
            ("א" * 399 + ".", 1, SENTENCE_CHARS),
            ("א" * 99 + "?", 0, 320),
        ],
    )
    def test_what_was_said_counts(self, said: str, least: int, most: int) -> None:
        """E5: the limits hold for both parts together: one question, and room to end a sentence."""
        assert still_to_say(asked(said=said)) == (least, most)
        assert still_to_say(asked(said=said, min_chars=0))[0] == 0
        assert still_to_say(asked(said=said, max_chars=60))[1] <= 60

    def test_it_is_as_short_as_that(self, cloud: OpenAICloud) -> None:
        """E5: a rest does not grow when both parts together are long enough."""
        cloud.thinks = lambda request: "ומה התקציב?"
        assert reply(cloud, asked(said="א" * 200 + "."))[0] == "ומה התקציב?"
        cloud.thinks = lambda request: TALKATIVE
        assert len(reply(cloud, asked(said="א" * 299 + "."))[0]) <= 120

    def test_there_may_be_no_rest(self, cloud: OpenAICloud) -> None:
        cloud.thinks = lambda request: ""
        assert reply(cloud, asked(said="שלום. במה אפשר לעזור?")) == ("", ())

    @pytest.mark.parametrize("tool", ["end_call", "transfer_to_person", "save_lead"])
    def test_what_it_does_needs_no_more_words(self, cloud: OpenAICloud, tool: str) -> None:
        """F2, F3: the reply's words were heard before."""
        cloud.thinks = lambda request: Script(tools=(SAVE if tool == "save_lead" else ToolCall(tool),))
        act = {"end_call": EndCall(), "transfer_to_person": Transfer(), "save_lead": SAVED_LEAD}[tool]
        assert reply(cloud, asked(said="תודה, ולהתראות.", person=True)) == ("", (act,))


class TestTools:
    @pytest.mark.parametrize(
        ("tool", "act"),
        [("end_call", EndCall()), ("transfer_to_person", Transfer())],
    )
    def test_a_closing_reply_is_left_as_it_is(self, cloud: OpenAICloud, tool: str, act: Act) -> None:
        """F2, F3: short, and without an added question."""
        cloud.thinks = lambda request: Script("תודה, יום טוב.", (ToolCall(tool),))
        assert reply(cloud, asked(person=True)) == ("תודה, יום טוב.", (act,))

    @pytest.mark.parametrize(
        ("tool", "line", "act"),
        [
            ("end_call", OURS.wordless_goodbye, EndCall()),
            ("transfer_to_person", OURS.wordless_hand_over, Transfer()),
        ],
    )
    def test_it_never_leaves_without_a_word(self, cloud: OpenAICloud, tool: str, line: str, act: Act) -> None:
        cloud.thinks = lambda request: Script(tools=(SAVE, ToolCall(tool)))
        assert reply(cloud, asked(person=True)) == (line, (SAVED_LEAD, act))
        assert len(cloud.chat.exchanges) == 1

    def test_a_lead_is_kept_while_it_speaks(self, cloud: OpenAICloud) -> None:
        cloud.thinks = lambda request: Script(REPLY, (SAVE,))
        assert reply(cloud) == (REPLY, (SAVED_LEAD,))
        assert len(cloud.chat.exchanges) == 1

    def test_one_that_only_notes_is_asked_to_speak(self, cloud: OpenAICloud) -> None:
        cloud.thinks = lambda request: (
            REPLY if request["messages"][-1]["role"] == "tool" else Script(tools=(SAVE,))
        )
        assert reply(cloud) == (REPLY, (SAVED_LEAD,))
        assert sent(cloud)["tool_choice"] == "none"
        *before, call, result = sent(cloud)["messages"]
        assert before == sent(cloud, 0)["messages"]
        assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == SAVE.arguments
        assert result == {"role": "tool", "tool_call_id": "call_0", "content": SAVED}
        assert cloud.watch.connections == 1

    def test_asked_to_speak_it_can_do_nothing_else(self, cloud: OpenAICloud) -> None:
        """A server may ignore tool_choice."""
        cloud.thinks = lambda request: (
            Script(REPLY, (ToolCall("end_call"), ToolCall("end_call")))
            if request["messages"][-1]["role"] == "tool"
            else Script(tools=(SAVE,))
        )
        assert reply(cloud) == (REPLY, (SAVED_LEAD,))

    @pytest.mark.parametrize("then", [Fault.NONE, Fault.UNAVAILABLE, Fault.CUT_MID_STREAM])
    def test_a_note_is_kept_whatever_comes_after_it(self, cloud: OpenAICloud, then: Fault) -> None:
        """If the LLM finds no words after saving a lead, a prompt is spoken."""
        cloud.thinks = lambda request: Script(tools=(SAVE,))
        cloud.chat.next(Fault.NONE, then)
        assert reply(cloud) == (OURS.wordless_noted, (SAVED_LEAD,))
        assert len(cloud.chat.exchanges) == 2

    @pytest.mark.parametrize("text", [REPLY + "\n", REPLY + "\n\n", REPLY + " בשמחה רבה."])
    def test_one_behind_the_end_of_the_words_is_not_lost(self, cloud: OpenAICloud, text: str) -> None:
        """E5 is satisfied before the function comes: a little more is read, unspoken."""
        cloud.thinks = lambda request: Script(text, (SAVE,))
        assert reply(cloud) == (REPLY, (SAVED_LEAD,))

    def test_a_long_goodbye_is_not_answered_with_a_question(self, cloud: OpenAICloud) -> None:
        """F2: the function that ends the call comes only behind four sentences."""
        goodbye = "תודה רבה, דנה. רשמתי את כל הפרטים. מישהו מהמשרד יחזור בהקדם. יום נעים. להתראות!"
        cloud.thinks = lambda request: Script(goodbye, (ToolCall("end_call"),))
        said, acts = reply(cloud)
        assert "?" not in said and "יום נעים." in said and acts == (EndCall(),)

    def test_the_words_do_not_wait_for_the_function(self, cloud: OpenAICloud) -> None:
        """C2: the last sentence is out when the function's arguments begin to stream."""
        cloud.thinks = lambda request: Script(
            "ומה התקציב בערך?", (ToolCall("save_lead", {"notes": "א" * 400}),)
        )
        cloud.chat.delays.between_s = 0.005
        (sent,) = [cloud.chat.exchanges[0].sent for sentence in spoken_by(cloud) if sentence]
        assert sent < 40

    def test_every_token_is_a_sign_of_life(self, cloud: OpenAICloud) -> None:
        """G1: deadlines count from the last token, not the last sentence."""
        cloud.thinks = lambda request: Script("מ" * 100 + ". ", (SAVE,))
        pieces = list(spoken_by(cloud))
        assert len(pieces) > 25 and sum(map(bool, pieces)) <= 2

    def test_calls_that_share_an_index(self, cloud: OpenAICloud) -> None:
        """Some servers with OpenAI's protocol do not number the calls of a reply."""
        calls = ToolCalls()
        for number, name in enumerate(("save_lead", "end_call")):
            arguments = '{"name": "דנה"}' if name == "save_lead" else "{}"
            function = {"name": name, "arguments": arguments}
            calls.feed([{"index": 0, "id": f"id{number}", "function": function}])
        assert calls.acts(transfer=False) == (SaveLead((("name", "דנה"),)), EndCall())

    def test_acts_are_known_at_the_end(self, cloud: OpenAICloud) -> None:
        """B3: the call performs them once the turn is committed."""
        cloud.thinks = lambda request: Script(REPLY, (SAVE,))
        stream = spoken_by(cloud)
        pieces = iter(stream)
        next(pieces)
        before = stream.acts
        list(pieces)
        assert (before, stream.acts) == ((), (SAVED_LEAD,))

    @pytest.mark.parametrize(
        "tool",
        [
            ToolCall("save_lead", {}),
            ToolCall("save_lead", ""),
            ToolCall("save_lead", {"name": " ", "city": None, "phone": "unknown", "rooms": []}),
            ToolCall("transfer_to_person"),
            ToolCall("delete_everything", {"sure": True}),
        ],
    )
    def test_what_means_nothing_is_ignored(
        self, cloud: OpenAICloud, tool: ToolCall, caplog: pytest.LogCaptureFixture
    ) -> None:
        cloud.thinks = lambda request: Script(REPLY, (tool, SAVE))
        with caplog.at_level(logging.WARNING, "agent"):
            assert reply(cloud) == (REPLY, (SAVED_LEAD,))
        assert [tool.name in record.getMessage() for record in caplog.records] == [True]

    @pytest.mark.parametrize(
        ("arguments", "details"),
        [
            ('{"name":"דני",}', {"name": "דני"}),
            ('{"name":"דני"}{"name":"דני"}', {"name": "דני"}),
            ('{"name":"דני"}</tool_call>', {"name": "דני"}),
            ('{"name":"דני","notes":"רוצה\nגינה"}', {"name": "דני", "notes": "רוצה גינה"}),
            ('```json\n{"name":"דני"}\n```', {"name": "דני"}),
            ('{"name":"דני","phone":0501234567}', {"name": "דני", "phone": "0501234567"}),
            ('{"name":"דני","phone":"0501234567"', {"name": "דני", "phone": "0501234567"}),
            ("{'name':'דני'}", {"name": "דני"}),
            ('"{\\"name\\":\\"דני\\"}"', {"name": "דני"}),
            ('{"lead":{"name":"דני"}}', {"name": "דני"}),
            ('{"name":"דני","city":["תל אביב","רמת גן"]}', {"name": "דני", "city": "תל אביב, רמת גן"}),
            ('{"phone":501234567}', {"phone": "0501234567"}),
            ("דני, 0501234567", {"notes": "דני, 0501234567"}),
        ],
    )
    def test_row_3_what_was_noted_is_kept(
        self, cloud: OpenAICloud, arguments: str, details: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """faults 3, F2: the caller has heard that it is noted; also when the reply has no words."""
        kept = SaveLead(tuple(details.items()))
        tools = (ToolCall("functions.save_lead", arguments),)
        cloud.thinks = lambda request: Script("רשמתי. מה התקציב?", tools)
        with caplog.at_level(logging.WARNING, "agent"):
            assert reply(cloud) == ("רשמתי. מה התקציב?", (kept,))
        cloud.thinks = lambda request: Script(tools=tools)
        cloud.chat.next(Fault.NONE, Fault.EMPTY)
        assert reply(cloud) == (OURS.wordless_noted, (kept,))
        sent_back = sent(cloud)["messages"][-2]["tool_calls"][0]["function"]
        assert json.loads(sent_back["arguments"]) == details, "in good JSON, or a server refuses it"
        assert not caplog.records

    def test_row_3_arguments_as_an_object(self, cloud: OpenAICloud) -> None:
        """faults 3, F2: an object in place of text, as some servers send."""
        function = {"name": "save_lead", "arguments": {"name": "דנה", "city": "חיפה"}}
        chunk = {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "1", "function": function}]}}]}
        line = f"data: {json.dumps(chunk, ensure_ascii=False)}"
        cloud.thinks = lambda request: Script("רשמתי. מה התקציב?", lines=(line,))
        assert reply(cloud) == ("רשמתי. מה התקציב?", (SAVED_LEAD,))

    def test_row_2_a_call_written_as_text_is_a_call(self, cloud: OpenAICloud) -> None:
        """faults 2, F3: beside a real call it counts once."""
        written = 'רשמתי. save_lead({"name": "דנה", "city": "חיפה"}) מה התקציב?'
        for tools in ((), (SAVE,)):
            cloud.thinks = lambda request, tools=tools: Script(written, tools)  # type: ignore[misc]
            assert reply(cloud) == ("רשמתי. מה התקציב?", (SAVED_LEAD,))
        cloud.thinks = lambda request: "להתראות! end_call()"
        assert reply(cloud) == ("להתראות!", (EndCall(),))

    def test_row_2_nothing_but_a_call_written_as_text(self, cloud: OpenAICloud) -> None:
        """F3: like a real call without words: the model is asked for words, with its functions disabled."""
        cloud.thinks = lambda request: (
            f"{REPLY} end_call()"
            if request["messages"][-1]["role"] == "tool"
            else '<tool_call>{"name":"save_lead","arguments":{"name":"דנה","city":"חיפה"}}</tool_call>'
        )
        assert reply(cloud) == (REPLY, (SAVED_LEAD,))
        cloud.thinks = lambda request: '{"tool": "end_call"}'
        assert reply(cloud) == (OURS.wordless_goodbye, (EndCall(),))

    def test_nothing_but_nonsense_is_empty(self, cloud: OpenAICloud) -> None:
        cloud.thinks = lambda request: Script(tools=(ToolCall("delete_everything"),))
        with pytest.raises(ProviderError, match="empty") as caught:
            reply(cloud)
        assert caught.value.retryable

    def test_details_are_text(self, cloud: OpenAICloud) -> None:
        arguments = {"rooms": 3.5, "budget": "2  מיליון\n", "notes": "א" * 500, "phone": True}
        cloud.thinks = lambda request: Script(REPLY, (ToolCall("save_lead", arguments),))
        _, (act,) = reply(cloud)
        assert act.details == (("rooms", "3.5"), ("budget", "2 מיליון"), ("notes", "א" * 300))

    def test_twice_is_once_and_there_is_one_way_out(self, cloud: OpenAICloud) -> None:
        tools = (SAVE, ToolCall("transfer_to_person"), SAVE, ToolCall("end_call"))
        cloud.thinks = lambda request: Script("שלום.", tools)
        assert reply(cloud, asked(person=True)) == ("שלום.", (SAVED_LEAD, Transfer()))

    def test_deltas_without_an_index_and_without_an_id(self) -> None:
        """Not all servers with this protocol are careful."""
        calls = ToolCalls()
        calls.feed([{"function": {"name": "end_call", "arguments": None}}, {"function": None}])
        assert calls.acts(transfer=False) == (EndCall(),)

    def test_they_are_bounded(self) -> None:
        calls = ToolCalls()
        for index in range(100):
            calls.feed(
                [{"index": index, "function": {"name": "save_lead", "arguments": f"{index} " + "y" * 9999}}]
            )
        (message, *results) = as_messages(calls.acts(transfer=False), "")
        assert len(results) == 8
        assert max(len(call["function"]["arguments"]) for call in message["tool_calls"]) < 400


class TestFailures:
    @pytest.mark.parametrize(
        ("fault", "says"),
        [
            (Fault.HUNG_BEFORE_HEADERS, "in time"),
            (Fault.HUNG_MID_STREAM, "in time"),
            (Fault.TOO_MANY, "rate limit"),
            (Fault.UNAVAILABLE, "503"),
            (Fault.CUT_MID_STREAM, "no connection"),
            (Fault.EMPTY, "empty"),
        ],
    )
    def test_what_may_pass_is_retryable(self, cloud: OpenAICloud, fault: Fault, says: str) -> None:
        cloud.chat.next(fault)
        with pytest.raises(ProviderError, match=says) as caught:
            list(spoken_by(cloud, timeout_s=0.4))
        assert caught.value.retryable
        assert reply(cloud)[0] == REPLY

    @pytest.mark.parametrize(
        "fault",
        [
            Fault.SLOW,
            Fault.LOW_CONFIDENCE,
            Fault.WRONG_LANGUAGE,
            Fault.SEVERAL_FINALS,
            Fault.WAV_HEADER,
        ],
    )
    def test_what_is_no_failure_of_a_llm(self, cloud: OpenAICloud, fault: Fault) -> None:
        cloud.chat.delays.slow_s = 0.2
        cloud.chat.next(fault)
        assert reply(cloud)[0] == REPLY

    def test_a_content_filter(self, cloud: OpenAICloud) -> None:
        cloud.thinks = lambda request: Script(finish="content_filter")
        with pytest.raises(ProviderError, match="filter") as caught:
            reply(cloud)
        assert not caught.value.retryable

    @pytest.mark.parametrize("finish", ["length", "max_tokens"])
    @pytest.mark.parametrize("half", ["הדירה בהרצל עולה 1,8", "אפשר להתקשר ל-050-123"])
    def test_row_5_cut_at_a_length_limit(self, cloud: OpenAICloud, half: str, finish: str) -> None:
        """faults 5, F5: half a sentence is not spoken; if nothing else is left, the provider has failed."""
        cloud.thinks = lambda request: Script(f"יש דירה. {half}", finish=finish)
        assert reply(cloud, asked(min_chars=0)) == ("יש דירה.", ())
        cloud.thinks = lambda request: Script("יש דירה", (SAVE,), finish=finish)
        assert reply(cloud, asked(min_chars=0)) == ("יש דירה.", (SAVED_LEAD,)), (
            "the call was cut, not the text"
        )
        cloud.thinks = lambda request: Script(half, finish=finish)
        with pytest.raises(ProviderError, match="broke off") as caught:
            reply(cloud)
        assert caught.value.retryable

    @pytest.mark.parametrize(
        ("finish", "done", "whole"),
        [("stop", False, True), ("stop", True, True), (None, True, True), (None, False, False)],
    )
    def test_row_5_an_end_that_the_server_says(
        self, cloud: OpenAICloud, finish: str | None, done: bool, whole: bool
    ) -> None:
        """F5: a finish reason or [DONE]; a stream that just ends was cut off."""
        delta = {"choices": [{"delta": {"content": "המחיר מיליון"}, "finish_reason": finish}]}
        line = f"data: {json.dumps(delta)}"
        cloud.thinks = lambda request: Script(lines=(line,), done=done, finish=NO_FINISH)
        if whole:
            assert reply(cloud, asked(min_chars=0))[0] == "המחיר מיליון."
        else:
            with pytest.raises(ProviderError, match="broke off"):
                reply(cloud)

    def test_an_error_in_the_stream(self, cloud: OpenAICloud) -> None:
        cloud.thinks = lambda request: Script(lines=('data: {"error": {"message": "no more"}}',))
        with pytest.raises(ProviderError, match="no more"):
            reply(cloud)

    @pytest.mark.parametrize("text", [" \n ", "***", "🙂"])
    def test_text_that_nobody_can_hear_is_none(self, cloud: OpenAICloud, text: str) -> None:
        cloud.thinks = lambda request: text
        with pytest.raises(ProviderError, match="empty"):
            reply(cloud)

    def test_events_without_a_choice(self, cloud: OpenAICloud) -> None:
        lines = ('data: {"choices": [], "usage": {}}', 'data: {"choices": [{"delta": null}]}', "data: {}")
        cloud.thinks = lambda request: Script(REPLY, lines=lines)
        assert reply(cloud)[0] == REPLY


class TestCancel:
    def test_before_it_is_listened_to(self, cloud: OpenAICloud) -> None:
        stream = spoken_by(cloud)
        stream.cancel()
        assert list(stream) == []
        assert cloud.chat.exchanges == []

    @pytest.mark.parametrize("fault", [Fault.HUNG_BEFORE_HEADERS, Fault.HUNG_MID_STREAM])
    def test_while_it_waits(self, cloud: OpenAICloud, fault: Fault) -> None:
        """As a turn does it: the reading thread ends, and the server notices."""
        cloud.chat.always = fault
        stream = spoken_by(cloud, timeout_s=30.0)
        bounded = BoundedStream(Threads(), "llm", stream, first_s=9, next_s=9)
        until(
            lambda: cloud.chat.exchanges and (fault is Fault.HUNG_BEFORE_HEADERS or cloud.chat.open[0].sent)
        )
        at = time.time()
        bounded.cancel()
        bounded.task.join(5)
        assert time.time() - at < 0.1 and not bounded.task.is_alive()
        (exchange,) = cloud.chat.exchanges
        until(lambda: exchange.dropped_at)
        assert exchange.dropped_at is not None and exchange.dropped_at - at < 0.1
        assert list(bounded) == [] and stream.acts == ()

    def test_between_two_sentences(self, cloud: OpenAICloud) -> None:
        cloud.thinks = lambda request: Script(REPLY, (ToolCall("end_call"),))
        cloud.chat.delays.between_s = 0.005
        stream = spoken_by(cloud)
        pieces = iter(stream)
        next(pieces)
        stream.cancel()
        assert list(pieces) == [] and stream.acts == ()
        (exchange,) = cloud.chat.exchanges
        until(lambda: exchange.dropped_at)

    def test_while_it_notes_something_down(self, cloud: OpenAICloud) -> None:
        """Cancelled during the second of two exchanges."""
        cloud.thinks = lambda request: Script(tools=(SAVE,))
        cloud.chat.next(Fault.NONE, Fault.HUNG_BEFORE_HEADERS)
        stream = spoken_by(cloud, timeout_s=30.0)
        bounded = BoundedStream(Threads(), "llm", stream, first_s=9, next_s=9)
        until(lambda: len(cloud.chat.exchanges) == 2)
        bounded.cancel()
        bounded.task.join(5)
        assert not bounded.task.is_alive() and stream.acts == ()
        until(lambda: cloud.chat.exchanges[1].dropped_at)


UNDER_GEVENT = """
from server.config import Config
from server.providers.base import ReplyRequest
from server.providers.openai.llm import OpenAILlm
from server.providers.reply.spoken import SpokenReply
from server.runtime.threads import Threads
from server.providers.deadlines import BoundedStream
llm = OpenAILlm(Config(_env_file=None, openai_base_url=sys.argv[1]))
llm.warm()
def bounded(name):
    stream = SpokenReply(llm, ReplyRequest(name, (), 1, "warm_helpful", 140, 420), 9)
    return BoundedStream(Threads(), name, stream, first_s=5, next_s=5)
streams = [bounded(f"well {n}") for n in range(6)] + [bounded("hung")]
first = next(filter(None, streams[-1]))
streams[-1].cancel()
streams[-1].task.join(0.5)
print(first, streams[-1].task.is_alive())
print({" ".join(filter(None, stream)) for stream in streams[:-1]})
"""


@pytest.mark.servers
def test_it_works_under_gevent(cloud: OpenAICloud) -> None:
    cloud.chat.delays.between_s = 0.002
    held = Script(REPLY, lines=(": held",), done=False)
    cloud.thinks = lambda request: held if request["messages"][-1]["content"] == "hung" else REPLY
    cloud.keeps_open_after_done = True
    printed = under_gevent(UNDER_GEVENT, cloud.base_url)
    first = REPLY.split(". ")[0] + "."
    assert printed == f"{first} False\n{{{REPLY!r}}}\n", printed
