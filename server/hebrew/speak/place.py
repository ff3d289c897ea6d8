"""The place of a number in a text, and the patterns that all readings share."""

import re
from dataclasses import dataclass

# Letters before a number or a word, with or without a dash: ב-15, ב15. "של" is a word.
PREFIX_LETTERS = r"(?!של|כל)[ובלהמשכ]{1,3}"
PREFIXED = r"(?<![א-ת])[ובלהמשכ]{0,3}"  # the beginning of a word, behind its prefix letters
DASH = r" ?- ?"
MONTHS = "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר".split()
_HEBREW_MONTHS = "תשרי חשוון חשון כסלו טבת שבט אדר ניסן אייר סיוון סיון תמוז אב אלול".split()
MONTH = "|".join([*MONTHS, "מרס", *_HEBREW_MONTHS])
SCALES = {
    "אלף": 3, "אלפים": 3, "K": 3, "k": 3, "מיליון": 6, "מליון": 6, "M": 6, "מיל'": 6, "מיליארד": 9,
}  # fmt: skip
SCALE = rf"(?:{'|'.join(sorted(SCALES, key=len, reverse=True))})(?![\w'])"
BEHIND_SCALE = re.compile(rf" *{SCALE}")
_IN_A_NUMBER = re.compile(r"\d[.,:/-]?$")
_FAR = 60  # characters back in which evidence for a reading is searched


@dataclass(frozen=True, slots=True)
class Place:
    """A number in a ``plain`` text. ``start``: index of its prefix; ``at``: of its figures.

    ``minus``, ``money`` (₪ and the like) and a telephone ``key`` (* # +) stand between the two.
    """

    text: str
    start: int
    at: int
    prefix: str = ""
    minus: bool = False
    money: str = ""
    key: str = ""

    @property
    def bare(self) -> bool:
        """Whether no sign precedes the figures."""
        return not (self.minus or self.money or self.key)

    @property
    def before(self) -> str:
        """The text before the number, as far as it matters."""
        return self.text[max(0, self.start - _FAR) : self.start]

    @property
    def inside(self) -> bool:
        """Whether the figures before belong to the same number."""
        joint = self.text[max(0, self.start - 1) : self.start]  # most have a blank there
        return joint > " " and not self.prefix and _IN_A_NUMBER.search(self.before) is not None


# The spoken words of a reading and the index behind it; None if the reading does not apply.
Said = tuple[str, int] | None
