"""The agent's side of these calls: replies of eight seconds, each spoken in a tone of its own."""

from bench.duplex.audible import TONES, tone_of
from server.audio.gain import Fader
from server.config import own_lines
from server.providers.base import ReplyRequest
from server.providers.tts_cache import TtsCache
from server.turns.prompts import all_lines
from tests.simtime.call import SimCall
from tests.simtime.engines import FRAMES_A_CHARACTER, SimTts

SENTENCES = (
    "ברחוב {} יש דירה שמתאימה כמעט בדיוק למה שתיארת עכשיו.",
    "הדירה ברחוב {} היא בקומה שנייה, ויש בה מרפסת שפונה לנוף.",
    "קרוב אל רחוב {} יש גם גן ילדים, מכולת ותחנה של הרכבת.",
)
STREETS = (
    *("אלון", "ארז", "ברוש", "גפן", "דקל", "הדס", "הרדוף", "ורד", "זית", "חבצלת"),
    *("חרוב", "יסמין", "כלנית", "לילך", "מורן", "נרקיס", "סביון", "ערבה", "פיקוס", "צאלון"),
    *("רימון", "רקפת", "שקד", "תאנה", "תמר", "אורן", "אגוז", "מימוזה", "אשל", "צפצפה"),
)


class Replies:
    """The LLM: another reply each time it is asked; asked for a reply's rest, that one's."""

    def __init__(self) -> None:
        self._given = 0

    def __call__(self, request: ReplyRequest) -> str:
        if request.said and (begun := reply_of(request.said)) is not None:
            return whole(begun).removeprefix(request.said).strip() or whole(begun)
        self._given += 1
        return whole((self._given - 1) % len(STREETS))


def whole(reply: int) -> str:
    """The text of a reply, by its number."""
    return " ".join(sentence.format(STREETS[reply]) for sentence in SENTENCES)


def reply_of(text: str) -> int | None:
    """The number of the reply that a sentence is part of; None of any other line."""
    words = text.replace(",", " ").replace(".", " ").split()
    return next((number for number, street in enumerate(STREETS) if street in words), None)


class ToneTts(SimTts):
    """The simulated voice's delays and lengths; every reply is a tone, and so is every other line."""

    identity = "tone"

    def audio(self, text: str) -> bytes:
        reply = reply_of(text)
        if reply is None:
            others = TONES - len(STREETS)
            reply = len(STREETS) + self.codes.setdefault(text, len(self.codes)) % others
        return tone_of(reply, FRAMES_A_CHARACTER * len(text))


def give_voice(call: SimCall, delay_s: float) -> None:
    """Let the agent of ``call`` speak in tones, its fixed lines too."""
    voice = ToneTts(call.runtime, delay_s, identity="tone")
    config = call.config
    fixed = all_lines(config.ai_greeting_he, config.thinking_text_he, own_lines(config))
    call.fader = Fader
    call.voice, call.phrases = voice, TtsCache(fixed, [voice.identity])
    for line in fixed:
        call.phrases.keep(voice.identity, line, voice.audio(line))
