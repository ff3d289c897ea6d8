"""The ways to ask Google for Hebrew, best first; which one it took is remembered."""

from collections.abc import Sequence

from server.providers.base import ProviderError
from server.providers.google.api_versions import Variant
from server.providers.stt_hints import read_phrases, within_limits
from server.turns.effects import Expected

HEBREW = ("iw", "he")  # the old code is the one in Google's tables; some of its models know the new one


class Variants:
    """Shared by all calls of a process; any thread."""

    def __init__(self, language: str, phrases_file: str) -> None:
        self._languages = _both_codes(language)
        self._hints_refused = False
        self._phrases_file = phrases_file
        self._phrases: tuple[str, ...] | None = None

    def to_ask_with(self, expected: Expected) -> list[Variant]:
        """Every variant worth a try, the one that worked before first."""
        hints = () if self._hints_refused else within_limits((*expected.phrases, *self._from_file()))
        variants = [Variant(language, hints) for language in self._languages]
        if hints:
            variants += [Variant(language, ()) for language in self._languages]
        return variants

    def worked(self, variant: Variant, refused: Sequence[Variant]) -> None:
        """Google took ``variant`` after it had ``refused`` those."""
        others = (language for language in self._languages if language != variant.language)
        self._languages = (variant.language, *others)
        if not variant.hints and any(other.hints for other in refused):
            self._hints_refused = True

    def check_file(self) -> None:
        """Raises ProviderError when there is a file of phrases that cannot be read."""
        if self._phrases_file:
            read_phrases(self._phrases_file)

    def _from_file(self) -> tuple[str, ...]:
        if self._phrases is None:
            try:
                self._phrases = read_phrases(self._phrases_file) if self._phrases_file else ()
            except ProviderError:  # said by ``warm``; without hints words are still recognised
                self._phrases = ()
        return self._phrases


def is_hebrew(language_code: str) -> bool:
    """Whether a result is in Hebrew, as far as it says (``iw-il``, ``he-IL``, nothing)."""
    return not language_code or language_code.replace("_", "-").split("-")[0].lower() in HEBREW


def _both_codes(language: str) -> tuple[str, ...]:
    """The language as the knob has it, then by Hebrew's other code; the region is Israel if there is none."""
    code, _, region = language.replace("_", "-").partition("-")
    if code.lower() not in HEBREW:
        return (language,)
    other = HEBREW[1 - HEBREW.index(code.lower())]
    return tuple(f"{name}-{(region or 'IL').upper()}" for name in (code.lower(), other))
