"""Function calls of an LLM: details of a lead are read in any form, and none is lost (F2)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.providers.reply.acts import MAX_DETAIL_CHARS, act_of, details_of, function_named, merged
from server.turns.effects import EndCall, SaveLead, Transfer

DANI = (("name", "דני"),)
BOTH = (("name", "דני"), ("phone", "0501234567"))

ROWS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "a comma at the end": ('{"name":"דני","phone":"0501234567",}', BOTH),
    "a line break in a text": ('{"name":"דני","notes":"רוצה\nגינה"}', (*DANI, ("notes", "רוצה גינה"))),
    "the object twice": ('{"name":"דני"}{"name":"דני"}', DANI),
    "two objects": ('{"name":"דני"}\n{"phone":"0501234567"}', BOTH),
    "a fence": ('```json\n{"name":"דני"}\n```', DANI),
    "a tag behind it": ('{"name":"דני"}</tool_call>', DANI),
    "a bracket behind it": ('{"name":"דני"}}', DANI),
    "words before it": ('arguments: {"name":"דני"}', DANI),
    "single quotes": ("{'name':'דני','phone':'0501234567'}", BOTH),
    "no quotes": ("{name: דני}", DANI),
    "cut at its end": ('{"name":"דני","phone":"0501234567"', BOTH),
    "cut in a text": ('{"name":"דני', DANI),
    "JSON in a JSON text": ('"{\\"name\\":\\"דני\\"}"', DANI),
    "a zero in front": ('{"name":"דני","phone":0501234567}', BOTH),
    "without its zero": ('{"name":"דני","phone":501234567}', BOTH),
    "a text without its zero": ('{"name":"דני","phone":"501234567"}', BOTH),
    "without its zero, a line": ('{"phone":31234567}', (("phone", "031234567"),)),
    "without its plus": ('{"phone":972501234567}', (("phone", "+972501234567"),)),
    "with hyphens": ('{"phone":050-1234567}', (("phone", "050-1234567"),)),
    "an object around it": ('{"lead":{"name":"דני"}}', DANI),
    "two objects around it": ('{"data":{"lead":{"name":"דני"}}}', DANI),
    "the whole call": ('{"name":"save_lead","arguments":{"name":"דני"}}', DANI),
    "a list of values": ('{"name":"דני","city":["תל אביב","רמת גן"]}', (*DANI, ("city", "תל אביב, רמת גן"))),
    "an object of values": ('{"name":{"first":"דני","last":"כהן"}}', (("name", "דני כהן"),)),
    "a list around it": ('[{"name":"דני"}]', DANI),
    "gershayim in a text": ('{"name":"עו"ד כהן","rooms":3}', (("name", 'עו"ד כהן'), ("rooms", "3"))),
    "keywords": ('name="דני", phone="0501234567"', BOTH),
    "keywords in braces": ('{name="דני", phone="0501234567"}', BOTH),
    "capitals": ('{"Name":"דני"}', DANI),
    "unknown names": (
        '{"name":"דני","email":"d@x.co","שם":"כהן","notes":"גינה"}',
        (*DANI, ("notes", "גינה; email: d@x.co; שם: כהן")),
    ),
    "yes and no": ('{"mortgage":true,"pets":false}', (("notes", "mortgage: כן; pets: לא"),)),
    "only text": ("דני, 0501234567", (("notes", "דני, 0501234567"),)),
    "only values": ('["דני", "0501234567"]', (("notes", '["דני", "0501234567"]'),)),
    "values of no kind": ('"דני"', (("notes", '"דני"'),)),
    "numbers": ('{"rooms":3.50,"budget":2500000.0}', (("rooms", "3.50"), ("budget", "2500000"))),
}


class TestDetails:
    @pytest.mark.parametrize(("arguments", "details"), ROWS.values(), ids=ROWS)
    def test_row_3_nothing_that_was_said_is_lost(
        self, arguments: str, details: tuple[tuple[str, str], ...]
    ) -> None:
        """faults 3, F2: unreadable arguments are kept as a note."""
        assert details_of(arguments) == details

    @pytest.mark.parametrize(
        "arguments",
        [
            "",
            "{}",
            "null",
            "[]",
            "{",
            '""',
            " \n",
            '{"name":" ","city":null,"phone":"unknown"}',
            None,
            {},
            [],
        ],
    )
    def test_row_3_what_says_nothing_is_nothing(self, arguments: Any) -> None:
        assert details_of(arguments) == ()

    def test_row_3_arguments_that_were_read_already(self) -> None:
        """Some servers send an object in place of text."""
        assert details_of({"name": "דני", "phone": 501234567}) == BOTH

    def test_they_are_bounded(self) -> None:
        long = "א" * 5000
        details = dict(details_of({"name": long, "email": long, "notes": long}))
        assert len(details["name"]) == MAX_DETAIL_CHARS
        assert len(details["notes"]) <= 2 * MAX_DETAIL_CHARS + 2
        assert len(dict(details_of(long))["notes"]) == MAX_DETAIL_CHARS

    @pytest.mark.parametrize(
        "text", ["[" * 5000, '{"a":' * 3000, "{" * 4000, '"' * 3001, "\\" * 2000, "=" * 3000]
    )
    def test_no_text_is_too_strange(self, text: str) -> None:
        details_of(text)

    @given(st.text(max_size=80))
    def test_any_text_can_be_read(self, text: str) -> None:
        assert all(isinstance(part, str) and part for pair in details_of(text) for part in pair)

    @given(
        st.dictionaries(
            st.sampled_from(["name", "city", "notes"]),
            st.text("אבגד דה\"'{}[],:\n", min_size=1, max_size=20).filter(lambda text: len(text.split()) > 0),
            min_size=1,
        )
    )
    def test_good_json_is_read_as_it_is(self, arguments: dict[str, str]) -> None:
        read = dict(details_of(json.dumps(arguments, ensure_ascii=False)))
        for name, text in arguments.items():
            line = " ".join(text.split())
            assert read[name] == line or line.endswith('"')


class TestActs:
    @pytest.mark.parametrize(
        "name",
        ["save_lead", "functions.save_lead", "saveLead", "SAVE_LEAD", "save\\_lead", "functions.save_lead:0"],
    )
    def test_row_3_a_name_in_any_dress(self, name: str) -> None:
        """faults 3, F2: ``functions.save_lead``."""
        assert function_named(name) == "save_lead"
        assert act_of(name, '{"name":"דני"}', person=False) == SaveLead(DANI)

    @pytest.mark.parametrize("name", ["", "save", "save_leads", "end_call_now", "שלום", "transfer"])
    def test_another_name_is_no_function(self, name: str) -> None:
        assert function_named(name) is None and act_of(name, '{"name":"דני"}', person=True) is None

    def test_f3_a_hand_over_needs_a_person(self) -> None:
        assert act_of("transfer_to_person", "", person=True) == Transfer()
        assert act_of("transfer_to_person", "", person=False) is None

    def test_each_once_and_one_way_out(self) -> None:
        """Of two leads the fuller one stays, in the place of the other."""
        lead, more, other = SaveLead(DANI), SaveLead(BOTH), SaveLead((("city", "חיפה"),))
        assert merged([lead, EndCall(), lead, Transfer(), more]) == (more, EndCall())
        assert merged([more, lead, other]) == (more, other)
        assert merged([lead, other, SaveLead((*BOTH, ("city", "חיפה")))]) == (
            SaveLead((*BOTH, ("city", "חיפה"))),
        )
        assert merged([]) == ()
