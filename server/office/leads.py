"""The leads as an office reads them: a row a call, printed or as CSV (``./start_all.sh leads --help``).

The lines of a call are put together by its CallSid: that it rang, details as they came, all of it at its end,
what a webhook knew of it. What is no lead's line is passed over, so that a server's log can be read too; a
line that was written twice counts once.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from server.config import KnobError, load_config
from server.logs.one_line import in_one_line
from server.office.business_hours import ISRAEL
from server.office.lead import OF_THE_CALL, Missed, merged
from server.telephony.caller_number import number_to_call

_JSON = re.compile(r"(?:^|\bLEAD |it is kept here: )(\{.*\})\s*$")
_BEGINNING = '{"kind": "'
_FORMULA = tuple("=+-@＝＋－＠")  # what a spreadsheet takes for the start of a formula
_ISRAELI = re.compile(r"(?:\+?972|0)(\d{1,2})(\d{7})")
_RANGE = re.compile(r"(\d+)-(\d+)")
_NOT_TAKEN = frozenset({Missed.BUSY, Missed.RATE})  # at the webhook; but Twilio may have asked it again
HIDDEN = "חסוי"
WHAT_HAPPENED = {
    Missed.BUSY: "לא נענתה, כל הקווים היו תפוסים",
    Missed.RATE: "לא נענתה, יותר מדי שיחות מהמספר הזה",
    Missed.NO_WORD: "לא נאמר דבר",
    Missed.NOT_HEARD: "תקלה בזיהוי הדיבור",
    Missed.NO_PERSON: "ביקשו נציג ולא היה נציג",
    Missed.NO_DETAILS: "לא נמסרו פרטים",
    Missed.FAILED: "השיחה נותקה בתקלה שלנו",
    Missed.NO_ANSWER: "ההעברה לנציג לא נענתה",
    Missed.HUNG_UP: "ניתקו לפני שנציג ענה",
}
RANG, RANG_OUTBOUND = "התקשרו", "התקשרנו"
AND_NO_MORE = "והשיחה לא התחילה או נקטעה"
MAYBE_STILL = "ואולי השיחה עוד נמשכת"
IN_PROGRESS = timedelta(hours=1)  # few calls are longer
TRANSFERRED = "הועברה לנציג"
DETAILS_LEFT = "נמסרו פרטים"
TOLD = {  # name of a detail → header
    "name": "שם",
    "intent": "עניין",
    "city": "עיר",
    "rooms": "חדרים",
    "budget": "תקציב",
    "message": "הודעה",
    "notes": "הערות",
}
WHEN, PHONE, WHAT, MORE, SECONDS, CALL = "מועד", "טלפון", "מה קרה", "פרטים נוספים", "משך בשניות", "מזהה שיחה"
HEADERS = (WHEN, PHONE, WHAT, *TOLD.values(), MORE, SECONDS, CALL)


@dataclass
class CallLines:
    """What the lines of one call say, each kind's last; ``told``: the details of all, in order."""

    call_sid: str
    kinds: dict[str, dict[str, str]] = field(default_factory=dict)
    told: list[dict[str, str]] = field(default_factory=list)

    def take(self, line: Mapping[str, Any]) -> None:
        """One line more, in the order of the file; one without a kind is of before there were kinds."""
        texts = {name: str(value) for name, value in line.items()}
        self.kinds[texts.get("kind", "detail")] = texts
        self.told.append(texts)

    def first(self, name: str) -> str:
        """The value that the whole line gives, else another."""
        lines = (self.kinds.get("call", {}), *self.kinds.values())
        return next((line[name] for line in lines if line.get(name)), "")

    @property
    def only_rang(self) -> bool:
        """Nothing is known of how it went on: it was killed, more than once perhaps (F8)."""
        return self.kinds.keys() <= {"rang", "goes_on"}

    @property
    def lead(self) -> dict[str, str]:
        """All that was told; what the whole line says of it counts, wherever it stands in the file.

        But what was understood behind the call is newer, and the whole line does not know it.
        """
        lead = merged([*self.told, self.kinds.get("call", {}), *self._late])
        return {name: text for name, text in lead.items() if name not in OF_THE_CALL}

    @property
    def _late(self) -> list[dict[str, str]]:
        """What was understood behind the call; behind a socket that failed, it went on and said more (F8)."""
        late: list[dict[str, str]] = []
        for line in self.told:
            if "after_call" in line:
                late.append(line)
            elif "goes_on" in self.kinds and line.get("kind") == "detail":
                late.clear()
        return late

    @property
    def missed(self) -> str:
        """Why the caller was lost. A webhook that comes behind the call knows more than its own line."""
        webhook, whole = (self.kinds.get(kind, {}) for kind in ("missed", "call"))
        why = webhook.get("missed", "")
        # What was left may have been understood when the whole line had been written.
        of_the_call = "" if "detail" in self.kinds else whole.get("missed", "")
        return of_the_call if not why or (whole and why in _NOT_TAKEN) else why

    def what_happened(self, now: datetime) -> str:
        if self.missed:
            return WHAT_HAPPENED.get(Missed(self.missed), "") if self.missed in {*Missed} else self.missed
        if self.only_rang:
            who = RANG_OUTBOUND if self.first("outbound") else RANG
            began = moment_of(self.first("at"))
            return f"{who}, {MAYBE_STILL if began and now - began < IN_PROGRESS else AND_NO_MORE}"
        return TRANSFERRED if self.first("ended") == "transfer" else DETAILS_LEFT


def lead_lines(text: str) -> Iterator[dict[str, Any]]:
    """Those of a file of leads, or of a log, each once: what the log has kept may be in the file as well."""
    found = dict.fromkeys(match[1] for line in text.split("\n") if (match := _JSON.search(line)))
    for written in found:
        # Of a line that was cut off, by a disk that was full, and that another goes on behind.
        lead = _read(written) or _read(written[written.rfind(_BEGINNING) :])
        if isinstance(lead, dict) and "call_sid" in lead:
            yield lead


def _read(written: str) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def calls_of(lines: Iterable[Mapping[str, Any]]) -> list[CallLines]:
    """The calls in the order of their first lines; a line without a CallSid is a call of its own."""
    calls: dict[object, CallLines] = {}
    for number, line in enumerate(lines):
        call_sid = str(line["call_sid"])
        calls.setdefault(call_sid or number, CallLines(call_sid)).take(line)
    return list(calls.values())


def row_of(call: CallLines, now: datetime) -> dict[str, str]:
    """What an office wants to know, by header; cells without a value are empty. ``now`` knows its zone."""
    lead = call.lead
    phone = lead.pop("phone", "") or call.first("caller")
    told = {header: _RANGE.sub(r"\1–\2", lead.pop(name, "")) for name, header in TOLD.items()}
    row = {
        WHEN: _when(call.first("at")),
        PHONE: _number(phone) or HIDDEN,
        WHAT: call.what_happened(now),
        **told,
        MORE: "; ".join(f"{name}: {text}" for name, text in lead.items()),
        SECONDS: call.first("duration_s").partition(".")[0],
        CALL: call.call_sid,
    }
    return {header: in_one_line(text) for header, text in row.items()}


def _when(at: str) -> str:
    moment = moment_of(at)
    return f"{moment:%d/%m/%Y %H:%M}" if moment else at


def moment_of(at: str) -> datetime | None:
    try:
        return datetime.fromisoformat(at).astimezone(ISRAEL)
    except (ValueError, OverflowError):
        return None


def _number(phone: str) -> str:
    """As it is written in Israel, with a dash: a spreadsheet takes the zero from a bare number."""
    bare = re.sub(r"[\s().-]", "", phone) if number_to_call(phone) else phone
    israeli = _ISRAELI.fullmatch(bare)
    return f"0{israeli[1]}-{israeli[2]}" if israeli else bare


def as_csv(rows: Iterable[Mapping[str, str]]) -> str:
    """With a header; no cell is a formula, whatever a caller has said."""
    written = io.StringIO(newline="")
    table = csv.writer(written)
    table.writerow(HEADERS)
    for row in rows:
        table.writerow(_harmless(row[header]) for header in HEADERS)
    return written.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def as_text(rows: Iterable[Mapping[str, str]]) -> str:
    """A line a call: when, the number, what happened; then what is known, each with its header."""
    known = (*TOLD.values(), MORE)
    lines = (
        [row[WHEN], row[PHONE], row[WHAT], *(f"{header}: {row[header]}" for header in known if row[header])]
        for row in rows
    )
    return "".join(" · ".join(line) + "\n" for line in lines)


def show(file: str | None, *, as_table: bool = False) -> int:
    """Print the leads of a file, or of LEADS_FILE, as CSV or a line each; the exit status."""
    try:
        file = file or load_config().leads_file
    except KnobError as error:
        return _fail(str(error))
    if not file:
        return _fail("LEADS_FILE is empty, so leads are in the server's log: name that file")
    try:
        text = Path(file).read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return _fail(f"no leads yet: there is no {file}")
    except OSError as error:
        return _fail(f"{file} cannot be read: {error}")
    now = datetime.now(ISRAEL)
    rows = [row_of(call, now) for call in calls_of(lead_lines(text))]
    shown, encoding = (as_csv(rows), "utf-8-sig") if as_table else (as_text(rows), "utf-8")
    sys.stdout.buffer.write(shown.encode(encoding, "replace"))
    return 0


def _fail(why: str) -> int:
    print(why, file=sys.stderr)
    return 1
