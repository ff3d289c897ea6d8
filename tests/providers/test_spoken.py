"""E5: only speech is spoken, whoever wrote the reply; calls written as text are made."""

import logging
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.providers.base import ProviderError, ReplyCut
from server.turns.effects import Act, EndCall, SaveLead, Transfer
from tests.providers.llms import Writes, asked, in_pieces, outcome, spoken
from tests.wording import OURS

SIZES = (1, 3, 7, 10_000)
DANI = SaveLead((("name", "דני"),))
DANIS_NUMBER = SaveLead((("name", "דני"), ("phone", "0501234567")))
NOAH = "נועה, נציגת המשרד"


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> int:
    """Characters per piece; the result must not depend on it."""
    return int(request.param)


THOUGHTS = {
    "think": "<think>המשתמש רוצה דירה. צריך לשאול.</think>\nבשמחה. מה התקציב?",
    "thinking": "<thinking>המשתמש רוצה דירה.</thinking>בשמחה. מה התקציב?",
    "capitals and a blank": '<Reasoning type="x">א. ב.\n\nג</Reasoning >בשמחה. מה התקציב?',
    "square": "[THINK]המשתמש רוצה דירה.[/THINK]בשמחה. מה התקציב?",
    "escaped": "&lt;think&gt;המשתמש רוצה דירה.&lt;/think&gt; בשמחה. מה התקציב?",
    "an end alone": "כדאי לשאול.</think>בשמחה. מה התקציב?",
    "an end alone, in English": "Okay, the user wants a flat. I should ask.\n</think>\n\nבשמחה. מה התקציב?",
    "an end alone, of the caller": "המשתמש רוצה דירה. צריך לשאול על התקציב.\n</think>\nבשמחה. מה התקציב?",
    "an end alone, in short English": "The user asks for a flat. I'll do that.\n</think>\nבשמחה. מה התקציב?",
    "a start and an end": "<|START_THINKING|>The visit went well. Propose.<|END_THINKING|><|START_RESPONSE|>"
    "בשמחה. מה התקציב?<|END_RESPONSE|>",
    "no mark at all, in English": "Okay, the user said שלום. I should ask. בשמחה. מה התקציב?",
    "channels": "<|channel|>analysis<|message|>ask<|end|><|start|>assistant<|channel|>final<|message|>"
    "בשמחה. מה התקציב?",
    "channels without their marks": "analysisUser wants a flat. Ask.assistantfinalבשמחה. מה התקציב?",
    "labels": "Thought: המשתמש רוצה דירה.\nFinal Answer: בשמחה. מה התקציב?",
    "labels in Hebrew": "מחשבה: צריך לשאול.\nתשובה: בשמחה. מה התקציב?",
    "a block": "```thinking\nצריך לשאול. end_call()\n```\nבשמחה. מה התקציב?",
    "a tool's answer": "<tool_response>saved</tool_response>בשמחה. מה התקציב?",
    "a chat template": "<|im_start|>assistant\nבשמחה. מה התקציב?<|im_end|>\n<|im_start|>user\nמיליון.",
    "an end of text": "בשמחה. מה התקציב?</s>",
}


class TestThoughts:
    @pytest.mark.parametrize("text", THOUGHTS.values(), ids=THOUGHTS)
    def test_row_1_reasoning_is_not_said(self, text: str, size: int) -> None:
        """faults 1, F3, kind 29."""
        assert outcome(text, size) == (["בשמחה.", "מה התקציב?"], ())

    @pytest.mark.parametrize("text", ["<think>המשתמש רוצה. צריך לשאול.", "<think></think>", "[THINK] שלום."])
    def test_row_1_nothing_but_reasoning_is_an_empty_answer(self, text: str, size: int) -> None:
        """faults 1, F3: also reasoning that is never closed; the provider is asked again (G2)."""
        with pytest.raises(ProviderError, match="empty") as caught:
            spoken(Writes(in_pieces(text, size)))
        assert caught.value.retryable

    def test_row_1_a_thought_takes_none_of_the_reply(self, size: int) -> None:
        """faults 1: the answer behind it has all its sentences."""
        answer = ["אחת.", "שתיים.", "שלוש.", "ארבע?"]
        assert outcome("<think>כך. אז. לא. כן. מה.</think>" + " ".join(answer), size)[0] == answer
        assert outcome("כך. אז. לא.</think>" + " ".join(answer), size)[0] == ["כך.", "אז.", *answer]

    def test_row_1_what_was_given_out_stays_said(self, size: int) -> None:
        """Reasoning without a beginning mark: best effort, normal sentences are not held back for it."""
        assert outcome("בוא נחשוב. אולי כך.\n</think>בשמחה.", size)[0] == ["בוא נחשוב.", "אולי כך.", "בשמחה."]

    @pytest.mark.parametrize(
        "text", ["OK. בשמחה.", "We have a nice flat. I need to know your budget. What is it?"]
    )
    def test_english_is_said(self, text: str, size: int) -> None:
        assert " ".join(outcome(text, size)[0]) == text

    def test_calls_in_a_thought_are_not_made(self, size: int) -> None:
        assert outcome("<think>אולי end_call() עכשיו</think>בשמחה.", size) == (["בשמחה."], ())


SAVES = {
    "a call": 'save_lead({"name":"דני","phone":"0501234567"})',
    "keywords": 'save_lead(name="דני", phone="0501234567")',
    "single quotes": "save_lead(name='דני', phone='0501234567')",
    "of a module": 'functions.save_lead({"name":"דני","phone":"0501234567"})',
    "printed": 'print(default_api.save_lead(name="דני", phone="0501234567"))',
    "escaped": 'save\\_lead({"name":"דני","phone":"0501234567"})',
    "in camels": 'saveLead({"name":"דני","phone":"0501234567"})',
    "in backticks": '`save_lead(name="דני", phone="0501234567")`',
    "in brackets": '[save_lead(name="דני", phone="0501234567")]',
    "an object behind it": 'save_lead {"name":"דני","phone":"0501234567"}',
    "a colon": 'save_lead: {"name":"דני","phone":"0501234567"}',
    "lines": 'save_lead(\n  name="דני",\n  phone="0501234567",\n)',
    "json": '{"name":"save_lead","arguments":{"name":"דני","phone":"0501234567"}}',
    "json, arguments first": '{"arguments":{"name":"דני","phone":"0501234567"},"name":"save_lead"}',
    "json, text in text": '{"name":"save_lead",'
    '"arguments":"{\\"name\\":\\"דני\\",\\"phone\\":\\"0501234567\\"}"}',
    "json, tool": '{"tool":"save_lead","parameters":{"name":"דני","phone":"0501234567"}}',
    "json, function": '{"function":{"name":"save_lead","arguments":{"name":"דני","phone":"0501234567"}}}',
    "json, the name is the key": '{"save_lead":{"name":"דני","phone":"0501234567"}}',
    "json, tool_calls": '{"tool_calls":[{"function":{"name":"save_lead","arguments":{"name":"דני",'
    '"phone":"0501234567"}}}]}',
    "json, a list": '[{"name":"save_lead","arguments":{"name":"דני","phone":"0501234567"}}]',
    "json, no function": '{"name":"דני","phone":"0501234567"}',
    "json, broken": "{'name':'save_lead','arguments':{'name':'דני','phone':0501234567,}}",
    "json, laid out": '{\n  "name": "save_lead",\n  "arguments": {"name": "דני", "phone": "0501234567"}\n}',
    "a block": '\n```json\n{"name":"save_lead","arguments":{"name":"דני","phone":"0501234567"}}\n```\n',
    "a block of code": '\n```tool_code\nsave_lead(name="דני", phone="0501234567")\n```\n',
    "a tag": '<tool_call>{"name":"save_lead","arguments":{"name":"דני","phone":"0501234567"}}</tool_call>',
    "a tag, no end": '<tool_call>\n{"name":"save_lead","arguments":{"name":"דני","phone":"0501234567"}}\n',
    "a tag, keys": "<tool_call>save_lead\n<arg_key>name</arg_key>\n<arg_value>דני</arg_value>\n"
    "<arg_key>phone</arg_key>\n<arg_value>0501234567</arg_value>\n</tool_call>",
    "a function tag": '<function=save_lead>{"name":"דני","phone":"0501234567"}</function>',
    "a function tag, parameters": "<function=save_lead>\n<parameter=name>\nדני\n</parameter>\n"
    "<parameter=phone>0501234567</parameter>\n</function>",
    "invoked": '<function_calls><invoke name="save_lead"><parameter name="name">דני</parameter>'
    '<parameter name="phone">0501234567</parameter></invoke></function_calls>',
    "its own tag": "<save_lead><name>דני</name><phone>0501234567</phone></save_lead>",
    "its own tag, attributes": '<save_lead name="דני" phone="0501234567"/>',
    "a marker": '[TOOL_CALLS]save_lead{"name":"דני","phone":"0501234567"}',
    "a marker and a list": "[TOOL_CALLS]"
    '[{"name":"save_lead","arguments":{"name":"דני","phone":"0501234567"}}]',
    "a marker and arguments": '[TOOL_CALLS]save_lead[ARGS]{"name":"דני","phone":"0501234567"}',
    "a python tag": '<|python_tag|>save_lead.call(name="דני", phone="0501234567")',
    "sections": "<|tool_calls_section_begin|><|tool_call_begin|>functions.save_lead:0"
    '<|tool_call_argument_begin|>{"name":"דני","phone":"0501234567"}<|tool_call_end|><|tool_calls_section_end|>',
    "wide bars": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>save_lead\n```json\n"
    '{"name":"דני","phone":"0501234567"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "a channel": "<|start|>assistant<|channel|>commentary to=functions.save_lead <|constrain|>json<|message|>"
    '{"name":"דני","phone":"0501234567"}<|call|>',
    "a channel without its marks": 'assistantcommentary to=functions.save_lead json{"name":"דני",'
    '"phone":"0501234567"}',
    "pairs in a line": "\nsave_lead name=דני, phone=0501234567\n",
    "pairs behind a colon": '[save_lead: name="דני"; phone: 0501234567]',
    "pairs in lines": "\nsave_lead:\n  name: דני\n  phone: 0501234567\n\n",
    "a slash": '\n/save_lead name="דני" phone="0501234567"\n',
    "a list of functions": 'functools[{"name":"save_lead","arguments":{"name":"דני","phone":"0501234567"}}]',
    "an action's marks": '<|START_ACTION|>[{"tool_name":"save_lead",'
    '"parameters":{"name":"דני","phone":"0501234567"}}]<|END_ACTION|>',
    "an action": "\nAction: save_lead\n"
    'Action Input: {"name":"דני","phone":"0501234567"}\nObservation: saved\n',
}
ENDS = [
    *("end_call()", "end_call", "end_call.", "*end_call*", "[end_call]", "[END_CALL]", "(end_call)"),
    *("`end_call`", "$end_call$", "/end_call", "{end_call}", "{{end_call}}", "endCall()", "end_call: true"),
    *("functions.end_call({})", "{type:end_call}", '{"type":"end_call"}', '{"tool":"end_call"}'),
    *(
        '{"action": "end_call"}',
        '{"end_call": true}',
        '{"name": "end_call", "parameters": {}}',
        "<end_call/>",
    ),
    *("<end_call></end_call>", "<tool_call>end_call</tool_call>", '<tool name="end_call"/>'),
    *("\nAction: end_call\nAction Input: {}", 'end_call(reason="done")', "\nTool: end_call\n"),
    *("(מפעילה את end_call)", "*calls end_call*", "[סיום: end_call]", "אני מפעילה את end_call."),
]


class TestWrittenCalls:
    @pytest.mark.parametrize("call", SAVES.values(), ids=SAVES)
    def test_row_2_a_call_in_the_text_is_done_and_not_said(self, call: str, size: int) -> None:
        """faults 2, F3: in every form that models use; the words on both sides are spoken."""
        assert outcome(f"רשמתי. {call} מה התקציב?", size) == (["רשמתי.", "מה התקציב?"], (DANIS_NUMBER,))

    @pytest.mark.parametrize("call", ENDS)
    def test_row_2_a_goodbye_ends_the_call(self, call: str, size: int) -> None:
        """faults 2, F3, kind 29."""
        assert outcome(f"להתראות! {call}", size, min_chars=140) == (["להתראות!"], (EndCall(),))

    def test_row_2_a_hand_over(self, size: int) -> None:
        """F3: only where there is a person."""
        said = ["רק רגע, השיחה עוברת."]
        text = f"{said[0]} transfer_to_person()"
        assert outcome(text, size, person=True) == (said, (Transfer(),))
        assert outcome(text, size) == (said, ())

    @pytest.mark.parametrize(
        ("text", "said", "acts"),
        [
            ("end_call()", [OURS.wordless_goodbye], (EndCall(),)),
            ("transfer_to_person()", [OURS.wordless_hand_over], (Transfer(),)),
            ('save_lead({"name":"דני"})', [OURS.wordless_noted], (DANI,)),
        ],
    )
    def test_row_2_nothing_but_a_call(
        self, text: str, said: list[str], acts: tuple[Act, ...], size: int
    ) -> None:
        """Like a real call without words: the caller hears a prompt."""
        assert " ".join(said) in (OURS.wordless_goodbye, OURS.wordless_hand_over, OURS.wordless_noted)
        assert outcome(text, size, person=True) == (said, acts)

    @pytest.mark.parametrize(
        "text",
        [
            'בדקתי. search_properties({"city": "חיפה"}) מה התקציב?',
            'בדקתי. get_weather(city="חיפה", days=3) מה התקציב?',
            'בדקתי. {"city": "חיפה", "rooms": 4} מה התקציב?',
            'בדקתי. {"name": "search", "arguments": {"text": "חיפה"}} מה התקציב?',
            "בדקתי.\n```python\nx = 5\nprint(x)\n```\nמה התקציב?",
            "בדקתי. hangup() מה התקציב?",
            'בדקתי. <tool_call>{"name": "search"}</tool_call> מה התקציב?',
            '<invoke name="search"><parameter name="q">x</parameter></invoke>בדקתי. מה התקציב?',
        ],
    )
    def test_row_2_unknown_functions_are_not_said_either(self, text: str, size: int) -> None:
        assert outcome(text, size) == (["בדקתי.", "מה התקציב?"], ())

    @pytest.mark.parametrize(
        "text", ["אני אפעיל את save_lead עכשיו. מה התקציב?", "עוד לא end_call כי יש שאלה. מה התקציב?"]
    )
    def test_a_name_within_a_sentence_is_no_call(self, text: str, size: int) -> None:
        said, acts = outcome(text, size)
        assert acts == () and "_" not in "".join(said) and said[-1] == "מה התקציב?"

    @pytest.mark.parametrize(
        "text", ["iPhone(15) במלאי.", "ABC(ישראל) כאן.", "האתר a.co.il(החדש) פתוח.", "מחר (בבוקר) אפשר."]
    )
    def test_brackets_behind_a_word_are_no_call(self, text: str, size: int) -> None:
        assert outcome(text, size) == ([text], ())

    def test_row_2_a_call_twice_is_done_once(self, size: int) -> None:
        """F3: written twice, or written and called; of two leads the fuller one stays."""
        text = 'רשמתי. save_lead({"name":"דני"}) save_lead({"name":"דני"}) end_call() מה?'
        llm = Writes(in_pieces(text, size), acts=(DANIS_NUMBER, EndCall()))
        assert spoken(llm) == (["רשמתי.", "מה?"], (DANIS_NUMBER, EndCall()))

    def test_row_2_there_is_one_way_out(self, size: int) -> None:
        text = "להתראות. end_call() transfer_to_person()"
        assert outcome(text, size, person=True)[1] == (EndCall(),)

    def test_row_2_a_call_behind_enough_words_is_done(self, size: int) -> None:
        """E5: a little more is read, unspoken."""
        text = 'אחת. שתיים. שלוש. ארבע? ועוד. save_lead({"name":"דני","notes":"' + "א" * 200 + '"})'
        said, acts = outcome(text, size)
        assert said[-1] == "ארבע?" and acts[0].details[0] == ("name", "דני")
        assert outcome("אחת. שתיים. שלוש. ארבע? " + "ועוד. " * 50 + "end_call()", size)[1] == ()

    @pytest.mark.parametrize(
        "notes",
        ["רוצה :( גינה", 'עו"ד כהן', "גינה (גדולה)", "בערך { 5"],
        ids=["smiley", "gershayim", "()", "{"],
    )
    def test_row_2_brackets_and_quotes_within_arguments(self, notes: str, size: int) -> None:
        said, acts = outcome(f'רשמתי. save_lead({{"name":"דני","notes":"{notes}"}}) מה התקציב?', size)
        assert said == ["רשמתי.", "מה התקציב?"]
        assert acts == (SaveLead((("name", "דני"), ("notes", notes))),)

    def test_the_log_says_so(self, caplog: pytest.LogCaptureFixture) -> None:
        """It shows a wrong setup of model or server; the line has no words of the call."""
        with caplog.at_level(logging.WARNING, "agent"):
            spoken(Writes(['רשמתי. save_lead({"name":"דני"}) search(q="דני")']))
        lines = [record.getMessage() for record in caplog.records]
        assert ["save_lead" in lines[0], "search" in lines[1]] == [True, True] and len(lines) == 2
        assert "דני" not in "".join(lines)


class TestWholeJson:
    @pytest.mark.parametrize(
        "text",
        [
            '{"response": "שלום, איך אפשר לעזור?"}',
            '{"text": "שלום, איך אפשר לעזור?", "emotion": "happy"}',
            '{"thought": "לברך", "message": "שלום, איך אפשר לעזור?"}',
            '```json\n{"answer": "שלום, איך אפשר לעזור?"}\n```',
            "{'content': 'שלום, איך אפשר לעזור?'}",
            '{"role": "assistant", "content": "שלום, איך אפשר לעזור?"}',
            '{"choices": [{"message": {"content": "שלום, איך אפשר לעזור?"}}]}',
            '["שלום, איך אפשר לעזור?"]',
            '{"תשובה": "שלום, איך אפשר לעזור?"}',
            '{"response": "<think>לברך</think>**שלום**, איך אפשר לעזור?"}',
            '{"response": "שלום, איך אפשר לעזור?"',
            '<think>לברך</think>{"reply": "שלום, איך אפשר לעזור?"}',
            '"{\\"reply\\": \\"שלום, איך אפשר לעזור?\\"}"',
            '{"reply": {"he": "שלום, איך אפשר לעזור?"}}',
        ],
    )
    def test_row_2_its_words_are_said(self, text: str, size: int) -> None:
        """F3: under whatever key."""
        assert outcome(text, size) == (["שלום, איך אפשר לעזור?"], ())

    def test_row_2_with_a_call_beside_them(self, size: int) -> None:
        assert outcome('{"response": "להתראות!", "action": "end_call"}', size) == (["להתראות!"], (EndCall(),))

    @pytest.mark.parametrize("text", ['{"city": "חיפה"}', "{}", "[]", '{"role": "user", "content": "שלום"}'])
    def test_row_2_json_without_words_is_an_empty_answer(self, text: str, size: int) -> None:
        assert outcome(text, size) == ([], ())


class TestMarkup:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('שלום <break time="500ms"/> מה התקציב?', "שלום מה התקציב?"),
            ('<speak>שלום <emphasis level="strong">לך</emphasis>.</speak>', "שלום לך."),
            ('<say-as interpret-as="telephone">050-1234567</say-as> זה המספר.', "050-1234567 זה המספר."),
            ("<p>שלום.</p><p>מה התקציב?</p>", "שלום. מה התקציב?"),
            ("מי<b>לה</b> אחת.", "מילה אחת."),
            ("<!-- לא\nלומר --> שלום.", "שלום."),
            ("דירה&nbsp;יפה &quot;מאוד&quot; &#39;כן&#39;.", "דירה יפה \"מאוד\" 'כן'."),
            ("שלום {name}, מה התקציב?", "שלום, מה התקציב?"),
            ("דירה ב{city} זולה, {{name}}.", "דירה זולה."),
            ("שלום <שם הלקוח>, מה ${x} התקציב?", "שלום, מה התקציב?"),
            ("*מחייכת* שלום!", "שלום!"),
            ("*נאנחת* אני מבינה.", "אני מבינה."),
            ("שלום, *צוחקת בקול* מה התקציב?", "שלום, מה התקציב?"),
            ("שלום (צוחקת) לך. *smiles* כן.", "שלום לך. כן."),
            ("**בחיוך** _מהנהנת_ שלום.", "שלום."),
            ("*חשוב* לבוא *מחר*.", "חשוב לבוא מחר."),
            ("(הערה: לשאול על התקציב, ולא לשכוח) שלום.", "שלום."),
            ("שלום <emotion>happy</emotion> לך.", "שלום לך."),
            ("\\u05e9\\u05dc\\u05d5\\u05dd.\\nמה שלומך?", "שלום. מה שלומך?"),
            ("יש דירה** פנויה__ לכם.", "יש דירה פנויה לכם."),
            ("אם מעוניין\\ת, כתבו.", "אם מעוניין/ת, כתבו."),
            ("המחיר ~~5,000~~ 4,500 שקל.", "המחיר 4,500 שקל."),
            ("המחיר <del>5,000</del> 4,500 שקל.", "המחיר 4,500 שקל."),
            ("הנסיעה ~50 דקות.", "הנסיעה בערך 50 דקות."),
            ("❌ חניה", "אין חניה."),
            ("❌חניה, ✅ מעלית.", "אין חניה, מעלית."),
            ("✅ מעלית\n❌ חניה\n❌ אין מחסן", "מעלית. אין חניה. אין מחסן."),
            ("חניה: ❌\nמעלית: ✅", "חניה: אין. מעלית:"),
            ("המייל dana.cohen_99@my-office.co.il כאן.", "המייל dana.cohen_99@my-office.co.il כאן."),
            ("כתבו ל-<dana_99@my.co.il> בבקשה.", "כתבו ל-dana_99@my.co.il בבקשה."),
            ("באתר my_site.co.il תמיד.", "באתר my_site.co.il תמיד."),
            ("ש\u200bלו\u2060ם\ufeff ל\u3164ך.", "שלום לך."),
        ],
    )
    def test_row_7_what_is_markup_is_not_said(self, text: str, said: str, size: int) -> None:
        """faults 6, 7, kind 29, 30."""
        assert " ".join(outcome(text, size)[0]) == said


class TestOthersLines:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("assistant\n\nבשמחה.", ["בשמחה."]),
            ("סוכן - בשמחה.", ["בשמחה."]),
            ("[סוכן]: בשמחה.", ["בשמחה."]),
            ("סוכן: שלום. לקוח: אני רוצה דירה. סוכן: מה התקציב?", ["שלום."]),
            ("נועה: בשמחה! מה התקציב?", ["בשמחה!", "מה התקציב?"]),
            ("**הסוכנת:** בשמחה!", ["בשמחה!"]),
            ("Assistant: בשמחה.\nUser: מיליון.\nAssistant: מצוין.", ["בשמחה."]),
            ("בשמחה. מה התקציב?\n\nהלקוחה: מיליון.\n", ["בשמחה.", "מה התקציב?"]),
            ("לקוח: אני רוצה דירה.\nסוכן: בשמחה. מה התקציב?", ["בשמחה.", "מה התקציב?"]),
            ("User: אני רוצה דירה.", []),
        ],
    )
    def test_row_9_a_label_is_not_said_and_the_other_side_speaks_for_itself(
        self, text: str, said: list[str], size: int
    ) -> None:
        """faults 9: the reply ends where the LLM begins to write the caller's line."""
        assert outcome(text, size, agent=NOAH)[0] == said

    @pytest.mark.parametrize("text", ["רשמתי: ארבעה חדרים.", "כתובת: הרצל 5.", "שימו לב: סגור.", "רות: כן."])
    def test_row_9_a_colon_is_no_label(self, text: str, size: int) -> None:
        assert outcome(text, size, agent=NOAH)[0] == [text]


BROKEN = ReplyCut("the answer broke off")


class TestBrokenOff:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("יש דירה. הדירה בהרצל עולה 1,8", ["יש דירה."]),
            ("יש דירה. הדירה בהרצל עולה 1.", ["יש דירה."]),
            ("אפשר להתקשר. ל-050-123.", ["אפשר להתקשר."]),
            ("יש דירה. מתאי", ["יש דירה."]),
            ("יש דירה. מתאים?", ["יש דירה.", "מתאים?"]),
            ("יש דירה\nועוד חצ", ["יש דירה."]),
            ("יש דירה. <think>אולי. כן.", ["יש דירה."]),
            ('{"response": "יש דירה. והמחיר', ["יש דירה."]),
            ("יש דירה. רח.", ["יש דירה."]),
        ],
    )
    def test_row_5_half_a_sentence_is_not_said(self, text: str, said: list[str], size: int) -> None:
        """faults 5, F5: half a price, number or word; whole sentences before it are spoken."""
        assert outcome(text, size, error=BROKEN) == (said, ())

    @pytest.mark.parametrize("text", ["הדירה בהרצל עולה 1,8", "אפשר להתקשר ל-050-123", "", "<think>אולי."])
    def test_row_5_with_nothing_left_it_has_failed(self, text: str, size: int) -> None:
        """F5: like a broken connection."""
        with pytest.raises(ReplyCut) as caught:
            spoken(Writes(in_pieces(text, size), error=BROKEN))
        assert caught.value.retryable

    def test_row_5_what_it_has_called_is_done(self, size: int) -> None:
        text = 'רשמתי. save_lead({"name":"דני"'
        assert outcome(text, size, error=BROKEN) == (["רשמתי."], (DANI,))

    def test_a_text_without_an_end_mark_is_whole(self, size: int) -> None:
        """A stream was cut only if it says so."""
        assert outcome("הדירה עולה מיליון", size)[0] == ["הדירה עולה מיליון."]


class TestAuthored:
    def test_e5_neither_cut_nor_asked_on(self, size: int) -> None:
        """E5: people wrote it for this very call; only what is no speech is removed."""
        text = "שלום? כן? **אחת**. שתיים. שלוש. ארבע. <think>לא</think>חמש"
        said = ["שלום?", "כן?", "אחת.", "שתיים.", "שלוש.", "ארבע.", "חמש"]
        assert (
            spoken(Writes(in_pieces(text, size), authored=True), asked(min_chars=140, max_chars=10))[0]
            == said
        )

    def test_it_may_say_nothing(self) -> None:
        assert spoken(Writes([], authored=True, acts=(EndCall(),))) == ([], (EndCall(),))
        assert spoken(Writes(["…"], authored=True)) == (["…"], ())


MACHINE = (
    "<think> </think> <thinking> [THINK] [/THINK] <|channel|> analysis final <|message|> "
    "<|end|> <|start|> assistant assistantfinal <|im_end|> <｜tool▁sep｜> [TOOL_CALLS] [ARGS] "
    "save_lead end_call transfer_to_person functions. search( ( ) ({ }) { } {{ }} [ ] [{ }] "
    '" \' \\" : , = true json name= דני 0501234567 "name" "arguments" "response" '
    '{"name":"דני"} {"response": <tool_call> </tool_call> <arg_key> <b> <s> </s> '
    "<function=save_lead> </function> <parameter=name> </parameter> <end_call/> <break <!-- "
    "--> > < ```json ``` ```python Thought: Action: Input: Final Answer: סוכן: לקוח: נועה: "
    "הצד השני: ~~ ~~5~~ * *מחייכת* (צוחקת) ❌ {city} ב{city} <שם &nbsp; &lt; &amp &# %x% "
    "שלום. מה? דירה 1. 12.5 … Okay, the user wants to המשתמש רוצה "
    "<|START_THINKING|> <|END_THINKING|> phone: name: functools \\u05e9 \\n \\ "
    "(הערה: *calls - /save_lead את ל-"
).split()


@example("&amp\n<think>", 1, False)
@example("save_lead[{ analysis", 1, False)
@example("*&nbsp;Answer:", 1, False)
@given(
    st.lists(st.sampled_from([*MACHINE, " ", " ", " ", "\n", ". ", "? "]), max_size=30).map("".join),
    st.integers(1, 9),
    st.booleans(),
)
def test_e5_nothing_depends_on_how_the_stream_was_cut(text: str, size: int, broken: bool) -> None:
    """F3: neither words nor acts; and no machine mark is ever spoken."""
    error = BROKEN if broken else None
    whole = outcome(text, 10_000, error=error, agent=NOAH, person=True)
    assert outcome(text, size, error=error, agent=NOAH, person=True) == whole
    assert not re.search(
        r"[<>{}*`]|#(?!\d)|(?<!\w)(?:save_lead|end_call|transfer_to_person)(?!\w)", " ".join(whole[0])
    )


@pytest.mark.parametrize(
    "blob", ["1" * 60_000, "Ab1_" * 15_000, "a." * 30_000], ids=["digits", "code", "dots"]
)
@pytest.mark.parametrize("size", [400, 70_000])
def test_e5_what_is_no_word_costs_no_seconds(blob: str, size: int) -> None:
    """E5: searching it would delay every call of the process."""
    began = time.process_time()
    outcome(f"היי. {blob} סוף טוב.", size)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("רשמתי. {'function': 'save_lead', 'name': 'דני'} מה התקציב?", {"name": "דני"}),
        ('רשמתי. {"tool":"save_lead","name":"דני","intent":"קנייה"} מה?', {"name": "דני", "intent": "קנייה"}),
        (
            'רשמתי. save_lead({"full_name":"דני","Phone Number":"0521234567"})',
            {"name": "דני", "phone": "0521234567"},
        ),
        ('רשמתי. save_lead([{"name":"א"},{"name":"ב"}])', {"name": "א", "notes": "name (2): ב"}),
    ],
    ids=["a name", "a name and an intent", "other names", "two people"],
)
def test_f2_a_detail_may_be_called_like_a_call(text: str, details: dict[str, str]) -> None:
    """F2: next to a function's name."""
    _, acts = outcome(text, 5, person=True)
    assert [dict(act.details) for act in acts] == [details]
