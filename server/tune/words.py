"""What the advice is in words: the tips of docs/he/tuning.md, in Hebrew and English."""

from typing import Literal

from server.tune.advice import Advice, Verdict
from server.tune.figures import Figures, at_share_ms
from server.tune.knobs import Knobs
from server.tune.search import TURNS

Language = Literal["he", "en"]
NOTHING = "–"
CUTS, LATE, NOISE, HARD, QUIET = "cuts", "late", "noise", "hard", "quiet"
ASKS: dict[str, dict[Language, str]] = {
    CUTS: {"he": "הסוכן חותך את המתקשר?", "en": "Does it cut callers off?"},
    LATE: {"he": "מאחר להגיב?", "en": "Is it slow to answer?"},
    NOISE: {"he": "נעצר מכל רעש?", "en": "Does every noise stop it?"},
    HARD: {"he": "קשה לקטוע אותו?", "en": "Is it hard to interrupt?"},
    QUIET: {"he": "לא שומע לקוח שקט?", "en": "Does it not hear a quiet caller?"},
}
# What is asked where a setting rises, and where it falls.
REASONS = {
    "MIN_UTT_SEC": (CUTS, LATE),
    "VAD_HANGOVER_MS": (CUTS, LATE),
    "ADAPTIVE_SILENCE_MS": (CUTS, LATE),
    "INCOMPLETE_HOLD_MS": (CUTS, LATE),
    "MAX_UTT_SEC": (CUTS, LATE),
    "VAD_RMS": (NOISE, QUIET),
    "BARGE_IN_VOICE_FRAMES": (NOISE, HARD),
    "BARGE_IN_RMS": (NOISE, HARD),
    "BARGE_IN_EARLY_STOP": (HARD, NOISE),
    "VAD_ENGINE": (NOISE, NOISE),
}
TIPS: dict[str, dict[Language, str]] = {
    "up": {
        "he": "{ask} העלה {name} ל־{now} (היום {before}).",
        "en": "{ask} Raise {name} to {now} (now {before}).",
    },
    "down": {
        "he": "{ask} הורד {name} ל־{now} (היום {before}).",
        "en": "{ask} Lower {name} to {now} ({before} now).",
    },
    "set": {"he": "{ask} קבע {name}={now} (היום {before}).", "en": "{ask} Set {name}={now} ({before} now)."},
}
VERDICTS: dict[tuple[str, Verdict], dict[Language, str]] = {
    ("turns", Verdict.CHANGE): {
        "he": "יש כיוון שעדיף על של היום: פחות המתנה, ולא יותר מתקשרים שנקטעים.",
        "en": "Other settings are better than today's: less waiting, and no more callers cut off.",
    },
    ("turns", Verdict.STAY): {
        "he": "להישאר עם ההגדרות של היום: שום כיוון אחר לא טוב יותר גם בהמתנה וגם בקטיעות.",
        "en": "Stay with today's settings: no others are better in waiting and no worse in cut-offs.",
    },
    ("voices", Verdict.CHANGE): {
        "he": "יש כיוון שעדיף על של היום: פחות עצירות שווא, ומי שקוטע אותו נשמע לא מאוחר יותר.",
        "en": "Other settings are better than today's: fewer false stops, interruptions noticed no later.",
    },
    ("voices", Verdict.STAY): {
        "he": "להישאר עם ההגדרות של היום: שום כיוון אחר לא טוב יותר גם בעצירות שווא וגם בקטיעה שלו.",
        "en": "Stay with today's settings: no others stop for fewer noises and notice voices as soon.",
    },
}
NOT_HELD: dict[Language, str] = {
    "he": "להישאר עם ההגדרות של היום: מה שנבחר לפי מחצית השיחות לא היה טוב יותר במחצית השנייה.",
    "en": "Stay with today's settings: what half of the calls would choose was no better on the other half.",
}
TOO_LITTLE: dict[Language, str] = {"he": "אין די שיחות כדי להמליץ", "en": "Too few calls for any advice"}
WANTED: dict[Language, str] = {
    "he": "; דרושות כ־{calls} שיחות כאלה.",
    "en": "; about {calls} calls like these are wanted.",
}
NONE_SEEN: dict[Language, str] = {
    "he": ": באלה לא קרה מה שצריך לשפוט.",
    "en": ": in these, what is to be judged did not happen.",
}


def verdict(advice: Advice, language: Language) -> str:
    """One sentence."""
    match advice.verdict:
        case Verdict.TOO_LITTLE:
            more = WANTED[language].format(calls=advice.wanted_calls)
            return TOO_LITTLE[language] + (more if advice.wanted_calls else NONE_SEEN[language])
        case Verdict.NOT_HELD:
            return NOT_HELD[language]
    return VERDICTS[advice.axes.name, advice.verdict][language]


def tips(base: Knobs, chosen: Knobs, language: Language) -> list[str]:
    """A sentence for each setting that changes."""
    out = []
    for name, (before, now) in chosen.other_than(base).items():
        rises, kind = _direction(before, now)
        reason = REASONS[name][0 if rises else 1]
        ask = ASKS[reason][language]
        out.append(TIPS[kind][language].format(ask=ask, name=name, now=now, before=before))
    return out


def _direction(before: str, now: str) -> tuple[bool, str]:
    try:
        rises = float(now) > float(before)
    except ValueError:
        return now == "true", "set"
    return rises, "up" if rises else "down"


def env_lines(base: Knobs, chosen: Knobs) -> list[str]:
    """To paste into ``.env``."""
    return [f"{name}={now}" for name, (_, now) in chosen.other_than(base).items()]


def named(base: Knobs, knobs: Knobs) -> str:
    return " ".join(env_lines(base, knobs))


def columns(axes_name: str) -> list[dict[Language, str]]:
    """Headings of the table, without the settings' own."""
    return [{"he": he, "en": en} for he, en in (TURN_COLUMNS if axes_name == TURNS.name else VOICE_COLUMNS)]


TURN_COLUMNS = (
    ("נקטעו", "cut off"),
    ("שקט עד סוף התור, ms (חציון / 95%)", "delay ms (p50 / p95)"),
    ("המתנה לתשובה, ms (חציון / 95%)", "gap ms (p50 / p95)"),
    ("לפי זמני ספקים שהוקלטו", "gaps by recorded latencies"),
    ("סופים שלא נשמעו", "ends not heard"),
)
VOICE_COLUMNS = (
    ("עצירות שווא", "false stops"),
    ("מי שקטע נשמע תוך, ms (חציון / 95%)", "noticed ms (p50 / p95)"),
    ("לא נשמעו", "missed"),
    ("הנהונים שעצרו", "nods that stopped it"),
    ("עצירות מקול לא מוכר", "stops by unknown sounds"),
)


def cells(axes_name: str, figures: Figures) -> list[str]:
    """Under those headings."""
    if axes_name == TURNS.name:
        return [
            _of(figures.cut, figures.pauses),
            _pair(figures.delays),
            _pair(figures.gaps),
            _of(figures.elsewhere, len(figures.gaps)),
            _of(figures.lost, figures.ends),
        ]
    return [
        _of(figures.stops, figures.noises),
        _pair(figures.noticed),
        _of(figures.missed, figures.interruptions),
        _of(figures.nod_stops, figures.nods),
        str(figures.others),
    ]


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else NOTHING


def _pair(frames: tuple[int, ...]) -> str:
    return f"{at_share_ms(frames, 0.5)} / {at_share_ms(frames, 0.95)}" if frames else NOTHING
