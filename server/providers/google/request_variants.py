"""The ways to request Hebrew from Google, best first, and the memory of which one Google accepted."""

from collections.abc import Sequence

from server.providers.base import ProviderError
from server.providers.google.api_versions import Variant
from server.providers.stt_hints import read_phrases, within_limits
from server.turns.effects import Expected

HEBREW = ("iw", "he")  # Google's tables list the old code; some models accept only the new one


class Variants:
    """Shared by all calls of a process; any thread."""

    def __init__(self, language: str, phrases_file: str) -> None:
        self._languages = _both_codes(language)
        self._hints_refused = False
        self._phrases_file = phrases_file
        self._phrases: tuple[str, ...] | None = None

    def to_ask_with(self, expected: Expected) -> list[Variant]:
        """Every variant worth trying; the one that worked before comes first."""
        hints = () if self._hints_refused else within_limits((*expected.phrases, *self._from_file()))
        variants = [Variant(language, hints) for language in self._languages]
        if hints:
            variants += [Variant(language, ()) for language in self._languages]
        return variants

    def worked(self, variant: Variant, refused: Sequence[Variant]) -> None:
        """Records that Google accepted ``variant`` after it had ``refused`` the others."""
        others = (language for language in self._languages if language != variant.language)
        self._languages = (variant.language, *others)
        if not variant.hints and any(other.hints for other in refused):
            self._hints_refused = True

    def check_file(self) -> None:
        """Raises ProviderError if a phrases file is set and cannot be read."""
        if self._phrases_file:
            read_phrases(self._phrases_file)

    def _from_file(self) -> tuple[str, ...]:
        if self._phrases is None:
            try:
                self._phrases = read_phrases(self._phrases_file) if self._phrases_file else ()
            except ProviderError:  # reported by ``warm``; recognition works without hints
                self._phrases = ()
        return self._phrases


def is_hebrew(language_code: str) -> bool:
    """Whether a result's language is Hebrew (``iw-il``, ``he-IL``) or not given."""
    return not language_code or language_code.replace("_", "-").split("-")[0].lower() in HEBREW


def _both_codes(language: str) -> tuple[str, ...]:
    """The knob's language, then the same with Hebrew's other code. The default region is Israel."""
    code, _, region = language.replace("_", "-").partition("-")
    if code.lower() not in HEBREW:
        return (language,)
    other = HEBREW[1 - HEBREW.index(code.lower())]
    return tuple(f"{name}-{(region or 'IL').upper()}" for name in (code.lower(), other))
