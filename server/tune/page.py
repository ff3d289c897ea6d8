"""The report as one HTML file: Hebrew first, then English; no script, no network, light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from server.tune.advice import Advice, Verdict
from server.tune.eot import PUBLISHED, OperatingPoints
from server.tune.knobs import Knobs
from server.tune.picture import Picture, svg
from server.tune.search import TURNS, Axes, Trials, front, points
from server.tune.words import NOTHING, Language, cells, columns, env_lines, named, tips, verdict

MOST_ROWS = 12
STYLE = """
:root{--ink:#1a1c20;--soft:#5b6170;--paper:#fff;--line:#d9dce3;--dot:#aab1c0;--best:#2457c5;--now:#b3261e;
--good:#137333;--box:#f4f6fa}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaf0;--soft:#a2a9b8;--paper:#14161a;--line:#343945;
--dot:#5f6778;--best:#8ab4f8;--now:#f28b82;--good:#81c995;--box:#1e2128}}
*{box-sizing:border-box}body{margin:0 auto;padding:16px;max-width:1100px;background:var(--paper);
color:var(--ink);font:17px/1.5 system-ui,"Segoe UI",Arial,"DejaVu Sans",sans-serif}
h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em}section{border-top:3px solid var(--line);margin-top:2em}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.88em}
th,td{padding:6px 8px;border-bottom:1px solid var(--line);text-align:start;vertical-align:top}
td code,pre{direction:ltr;unicode-bidi:isolate}
td.figure{white-space:nowrap}
pre{background:var(--box);padding:12px;overflow-x:auto;text-align:left;border-radius:8px}
.verdict{background:var(--box);padding:12px;border-radius:8px;border-inline-start:5px solid var(--best);
font-weight:600}tr.now td{color:var(--now)}tr.advised td{color:var(--good);font-weight:600}
.soft{color:var(--soft);font-size:.92em}.soft bdi{white-space:nowrap}
@media(max-width:600px){.named,.named tbody{display:block}.named tr{display:grid;
grid-template-columns:repeat(var(--columns),1fr);border-bottom:1px solid var(--line)}
.named th,.named td{border:0;padding:4px}.named :is(th,td):first-child{grid-column:1/-1}
.named td.figure{white-space:normal}}
svg{width:100%;max-width:800px;height:auto;display:block;margin:12px auto}
svg text{fill:var(--ink);font-size:24px}svg .tick,svg .title{text-anchor:middle}svg .level{text-anchor:end}
svg .grid{stroke:var(--line)}svg .tried{fill:var(--dot)}svg .best{fill:var(--best)}
svg .front{fill:none;stroke:var(--best);stroke-width:2}svg circle.now{fill:var(--now)}
svg circle.advised{fill:var(--good)}svg text.name{font-weight:600;paint-order:stroke;stroke:var(--paper);
stroke-width:5px}svg text.now{fill:var(--now)}svg text.advised{fill:var(--good)}
"""

TEXTS: dict[str, dict[Language, str]] = {
    "title": {"he": "כוונון לפי שיחות שהוקלטו", "en": "Tuning by recorded calls"},
    "turns": {"he": "סוף התור: המתנה מול מתקשרים שנקטעים", "en": "The end of turn: waiting against cut-offs"},
    "voices": {
        "he": "קטיעת הסוכן: עצירות שווא מול מי שנשמע מאוחר",
        "en": "Interrupting it: false stops against interruptions noticed late",
    },
    "turns x": {"he": "המתנה ממוצעת, ms", "en": "mean waiting, ms"},
    "turns y": {"he": "הפסקות שבהן המתקשר נקטע", "en": "pauses in which the caller is cut off"},
    "voices x": {"he": "עד שהסוכן נעצר, ממוצע ms", "en": "until the agent stops, mean ms"},
    "voices y": {"he": "רעשים שעצרו את הסוכן", "en": "noises that stop the agent"},
    "now": {"he": "היום", "en": "today"},
    "advised": {"he": "מומלץ", "en": "advised"},
    "settings": {"he": "הגדרות", "en": "settings"},
    "paste": {"he": 'להדבקה בקובץ <bdi dir="ltr">.env</bdi>:', "en": "To paste into .env:"},
    "held out": {
        "he": "בשיחות שלא השתתפו בבחירה: היום {now}, נבחר {then}.",
        "en": "On calls that had no part in choosing: today {now}, chosen {then}.",
    },
    "seen": {
        "he": "לפי {calls} שיחות: {pauses} הפסקות, {ends} סופי תור, {unsure} שתיקות שאי אפשר לדעת מה היו.",
        "en": "By {calls} calls: {pauses} pauses, {ends} ends of turn, {unsure} silences that may be either.",
    },
    "seen voices": {
        "he": "מעל קול הסוכן: {interruptions} קטיעות במילים, {noises} רעשים, {nods} הנהונים.",
        "en": "Over the agent's voice: {interruptions} interruptions, {noises} noises, {nods} nods.",
    },
    "eot": {"he": "סוף תור במונחי eot-bench", "en": "End of turn in eot-bench's terms"},
    "eot heads": {
        "he": "|נקטעו ב־300ms|נקטעו ב־600ms|ms ב־5%|ms ב־10%",
        "en": "|cut off @300 ms|cut off @600 ms|ms @5 %|ms @10 %",
    },
    "these": {"he": "השיחות האלה, כל ההגדרות שנוסו", "en": "these calls, all settings tried"},
    "timer": {"he": "השיחות האלה, שקט בלבד", "en": "these calls, silence alone"},
    "duplex": {"he": "השיחות כפי שהיו, בלוח של τ-voice", "en": "The calls as they were, in τ-voice's panel"},
    "unknown": {"he": "מה לא ידוע", "en": "What is not known"},
    "no voices": {"he": "אין כאן סוכן.", "en": "There is no agent here."},
}
UNKNOWN: dict[Language, tuple[str, ...]] = {
    "he": (
        "השמיעה הורצה מחדש, ספקים לא. כשתור היה נגמר ברגע אחר, ההמתנה מחושבת לפי מה שלקח לספקים אז.",
        "מילים נכנסות ברגע שבו הגיעו בהקלטה. מה שהזיהוי היה מספיק לשמוע אילו חיכו יותר, לא ידוע.",
        "מה המתקשר היה אומר אילו הסוכן ענה ברגע אחר, לא ידוע.",
        "בלי שמע ביומן, מודל הדיבור לא הורץ שוב: מה שאמר אז נשאר.",
    ),
    "en": (
        "The hearing was run again, providers were not. Where a turn would have ended at another time, the "
        "gap is reckoned from what providers took then.",
        "Words come when they came in the record. What an STT would have heard with more time is not known.",
        "What callers would have said to an answer at another time is not known.",
        "Without audio in a log the speech model is not run again: what it said then stands.",
    ),
}


@dataclass(frozen=True)
class Report:
    """``duplex``: the panel's columns of the calls as they were. ``left_out``: calls, and why."""

    trials: Trials
    tried: dict[str, Sequence[Knobs]]
    advices: Sequence[Advice]
    eot: OperatingPoints
    eot_timer: OperatingPoints
    duplex: dict[str, float | None]
    left_out: Sequence[str]


def page(report: Report) -> str:
    """The whole file."""
    return "\n".join(
        [
            '<!doctype html>\n<html lang="he" dir="rtl"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{TEXTS['title']['he']}</title><style>{STYLE}</style></head><body>",
            *_side(report, "he"),
            '<section lang="en" dir="ltr">',
            *_side(report, "en"),
            "</section></body></html>\n",
        ]
    )


def _side(report: Report, language: Language) -> list[str]:
    seen = report.trials.total(report.trials.base)
    counts = {"calls": len(report.trials.calls), "pauses": seen.pauses, "ends": seen.ends}
    parts = [f"<h1>{TEXTS['title'][language]}</h1>"]
    parts.append(f"<p>{TEXTS['seen'][language].format(**counts, unsure=seen.unsure)}</p>")
    for advice in report.advices:
        parts += _axes(report, advice, language)
    parts += _eot(report, language) + _duplex(report, language)
    parts.append(f"<h2>{TEXTS['unknown'][language]}</h2><ul>")
    parts += [f"<li>{text}</li>" for text in UNKNOWN[language]]
    parts += [f'<li dir="ltr">{escape(text)}</li>' for text in report.left_out]
    return [*parts, "</ul>"]


def _axes(report: Report, advice: Advice, language: Language) -> list[str]:
    axes, now = advice.axes, advice.now
    parts = [f"<h2>{TEXTS[axes.name][language]}</h2>"]
    parts.append(f'<p class="verdict">{escape(verdict(advice, language))}</p>')
    if axes is not TURNS:
        counts = {"interruptions": now.interruptions, "noises": now.noises, "nods": now.nods}
        parts.append(f"<p>{TEXTS['seen voices'][language].format(**counts)}</p>")
    if advice.verdict is Verdict.CHANGE and advice.chosen is not None:
        parts += ["<ul>", *(f"<li>{escape(tip)}</li>" for tip in _tips(report, advice, language)), "</ul>"]
        lines = escape("\n".join(env_lines(report.trials.base, advice.chosen)))
        parts.append(f"<p>{TEXTS['paste'][language]}</p><pre>{lines}</pre>")
    if advice.held_out is not None:
        now_text, then_text = (_point_text(axes.point(one)) for one in advice.held_out)
        text = TEXTS["held out"][language].format(now=now_text, then=then_text)
        parts.append(f'<p class="soft">{text}</p>')
    return parts + _picture(report, advice, language)


def _tips(report: Report, advice: Advice, language: Language) -> list[str]:
    assert advice.chosen is not None
    return tips(report.trials.base, advice.chosen, language)


def _point_text(point: tuple[float, float] | None) -> str:
    return "–" if point is None else f"<bdi>{point[0]:.0f} ms, {point[1] * 100:.1f}%</bdi>"


def _picture(report: Report, advice: Advice, language: Language) -> list[str]:
    axes, trials = advice.axes, report.trials
    found = points(trials, axes, report.tried[axes.name])
    now = axes.point(advice.now)
    if not found or now is None:
        return []
    best = front(found)
    chosen = advice.chosen if advice.verdict is Verdict.CHANGE else None
    picture = Picture(
        points=list(found.values()),
        front=[found[knobs] for knobs in best],
        now=now,
        advised=found.get(chosen) if chosen is not None else None,
        x_title=TEXTS[f"{axes.name} x"][language],
        y_title=TEXTS[f"{axes.name} y"][language],
        now_text=TEXTS["now"][language],
        advised_text=TEXTS["advised"][language],
    )
    return [svg(picture), *_table(trials, axes, best, chosen, language)]


def _table(
    trials: Trials, axes: Axes, best: Sequence[Knobs], chosen: Knobs | None, language: Language
) -> list[str]:
    """Today's, the advised ones, and the front; of a long front every so many. No column is empty."""
    step = -(-len(best) // MOST_ROWS)
    rows = [trials.base, *([chosen] if chosen is not None else [])]
    rows += [knobs for knobs in best[::step] if knobs not in rows]
    texts = {knobs: cells(axes.name, trials.total(knobs)) for knobs in rows}
    told = [n for n, _ in enumerate(columns(axes.name)) if any(row[n] != NOTHING for row in texts.values())]
    heads = "".join(f"<th>{columns(axes.name)[n][language]}</th>" for n in told)
    parts = [_named_table(len(told)), f"<tr><th>{TEXTS['settings'][language]}</th>{heads}</tr>"]
    for knobs, row in texts.items():
        kind = "now" if knobs == trials.base else "advised" if knobs == chosen else ""
        name = escape(named(trials.base, knobs)) or TEXTS["now"][language]
        figures = "".join(_figure(row[n]) for n in told)
        parts.append(f'<tr class="{kind}"><td><code>{name}</code></td>{figures}</tr>')
    return [*parts, "</table></div>"]


def _eot(report: Report, language: Language) -> list[str]:
    rows = {
        TEXTS["these"][language]: _eot_cells(report.eot),
        TEXTS["timer"][language]: _eot_cells(report.eot_timer),
        **{name: _eot_cells(OperatingPoints(*known)) for name, known in PUBLISHED.items()},
    }
    names = TEXTS["eot heads"][language].split("|")
    heads = "".join(f"<th>{head}</th>" for head in names)
    parts = [f"<h2>{TEXTS['eot'][language]}</h2>", _named_table(len(names) - 1), f"<tr>{heads}</tr>"]
    for name, texts in rows.items():
        figures = "".join(_figure(text) for text in texts)
        parts.append(f"<tr><td><bdi>{escape(name)}</bdi></td>{figures}</tr>")
    return [*parts, "</table></div>"]


def _named_table(figures: int) -> str:
    """Its beginning: of rows that have a name, and so many figures; on a telephone they stand below it."""
    return f'<div class="wide"><table class="named" style="--columns:{figures}">'


def _figure(text: str) -> str:
    """Numbers run from left to right in Hebrew too, in a cell that stands under its heading."""
    return f'<td class="figure"><bdi dir="ltr">{text}</bdi></td>'


def _eot_cells(known: OperatingPoints) -> list[str]:
    shares = ("–" if one is None else f"{one * 100:.1f}%" for one in (known.cut_at_300, known.cut_at_600))
    times = ("–" if one is None else f"{one:.0f}" for one in (known.latency_at_5, known.latency_at_10))
    return [*shares, *times]


def _duplex(report: Report, language: Language) -> list[str]:
    known = {name: value for name, value in report.duplex.items() if value is not None}
    if not known:
        return []
    rows = (
        f"<tr><td><bdi>{escape(name)}</bdi></td>{_figure(f'{value:.2f}')}</tr>"
        for name, value in known.items()
    )
    table = f"<table>{''.join(rows)}</table>"
    return [f"<h2>{TEXTS['duplex'][language]}</h2>{table}"]
