"""An office's own pronunciations: which words are put as they are to be said."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.speak.pronounced import MAX_WORDS, Pronunciations, words_of
from server.hebrew.speak.speakable import speakable

LIST = Pronunciations({
    "רעננה": "רַעֲנָנָה",
    "WeWork": "וִי ווֹרק",
    'תמ"א': "תמא",
    'תמ"א 38': "תמא שלושים ושמונה",
    "רח'": "רחוב",
    "מגדלי הים": "מגדלי היָם",
    "לב": "לֵב",
    "שלב": "שלב",
    "לב העיר": "לֵב העיר",
    "C++": "סי פלוס פלוס",
    "5": "חמש",
})  # fmt: skip


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("רעננה", "רַעֲנָנָה"),
        ("ברעננה, מרעננה וכשברעננה!", "ברַעֲנָנָה, מרַעֲנָנָה וכשברַעֲנָנָה!"),
        ("רעננה רעננה", "רַעֲנָנָה רַעֲנָנָה"),
        ("מרעננה-רעננה ב־רעננה", "מרַעֲנָנָה-רַעֲנָנָה ב־רַעֲנָנָה"),
        ("רעננהה ורעננהבית גרעננה", "רעננהה ורעננהבית גרעננה"),
        ("וושכשברעננה", "וושכשברעננה"),  # five prefixes are none
        ("רַעננה", "רַעננה"),  # pointed: somebody has said already how
        ("wework WEWORK בWeWork ב-WeWork", "וִי ווֹרק וִי ווֹרק בוִי ווֹרק ב-וִי ווֹרק"),
        ("WeWorks xWeWork", "WeWorks xWeWork"),
        ('תמ"א, תמ״א, ותמ”א', "תמא, תמא, ותמא"),
        ('תמ"א 38 תמ״א־38 תמ"א\n38', "תמא שלושים ושמונה תמא שלושים ושמונה תמא שלושים ושמונה"),
        ('תמ"א 381, תמ"א, 38', "תמא 381, תמא, 38"),
        ("רח' הרצל, ברח׳ הרצל, רח הרצל", "רחוב הרצל, ברחוב הרצל, רח הרצל"),
        ("'רעננה' \"רעננה\" (רעננה) „רעננה”", "'רַעֲנָנָה' \"רַעֲנָנָה\" (רַעֲנָנָה) „רַעֲנָנָה”"),
        ('ב"מגדלי הים" במגדלי־הים', 'ב"מגדלי היָם" במגדלי היָם'),
        ("מגדלי, הים", "מגדלי, הים"),
        ("לב הלב כלב שלב בלב העיר", "לֵב הלֵב כלֵב שלב בלֵב העיר"),
        ("אב", "אב"),
        ("C++ C+", "סי פלוס פלוס C+"),
        ("5 חדרים, 12.5, 15, 10:5", "חמש חדרים, 12.5, 15, 10:5"),
        ("", ""),
    ],
)
def test_what_is_put(written: str, spoken: str) -> None:
    assert LIST(written) == spoken


def test_the_longest_wins_whatever_the_order() -> None:
    pairs = {"כלב": "1", "לב העיר": "2", "כלב העיר": "3"}
    for order in (pairs, dict(reversed(pairs.items()))):
        assert Pronunciations(order)("כלב, כלב העיר, הלב העיר") == "1, 3, ה2"
    del pairs["כלב העיר"]
    assert Pronunciations(pairs)("כלב העיר") == "כ2"  # more of the text


def test_what_was_put_is_not_looked_at_again() -> None:
    turned = Pronunciations({"אבא": "אמא", "אמא": "אבא", "סבא": "סבא סבא"})
    assert turned("אבא אמא סבא") == "אמא אבא סבא סבא"


def test_one_letter_behind_a_prefix_is_another_word() -> None:
    assert Pronunciations({"א": "אָלֶף"})("א בא הא ב-א") == "אָלֶף בא הא ב-אָלֶף"


def test_e6_figures_on_both_sides_become_words() -> None:
    """E6: it comes before Speakable, whose own reading would no more be what is written."""
    said = Pronunciations({"תמא 38/2": "תוכנית 38", "הרצל": "הֶרְצֶל"})
    assert speakable(said("תמא 38/2 ברח' הרצל 12, 3 חדרים")) == (
        "תוכנית שלושים ושמונה ברחוב הֶרְצֶל שתים עשרה, שלושה חדרים"
    )


def test_an_empty_list_is_silent() -> None:
    assert Pronunciations({})("שלום") == Pronunciations({"": "x", " - ": "y"})("שלום") == "שלום"


WORDS = st.text(alphabet="אבלוש bC'\"-5.", max_size=6)


@given(st.dictionaries(WORDS, st.text(alphabet="XY ", max_size=4), max_size=8), st.lists(WORDS, max_size=12))
def test_only_what_is_in_the_list_is_touched(pairs: dict[str, str], words: list[str]) -> None:
    """Everything else stays, in its order; whatever is written."""
    text = " ".join(words)
    said = Pronunciations(pairs)(text)
    if not any(words_of(written) for written in pairs):
        assert said == text
    kept = [sign for sign in said if sign not in "XY "]
    rest = iter(text)
    assert all(sign in rest for sign in kept)  # a subsequence


@given(st.lists(st.sampled_from(["אבג", "דהו", "WeWork", 'תמ"א', "12.5"]), min_size=1, max_size=MAX_WORDS))
def test_a_whole_entry_is_said_whatever_parts_its_words(words: list[str]) -> None:
    said = Pronunciations({" ".join(words): "X"})
    assert said(" ".join(words)) == said("־".join(words)) == said("\n ".join(words)) == "X"
    assert said("וב" + " ".join(words)) == "ובX"


def test_the_time_is_linear_in_the_text_however_long_the_list() -> None:
    """Ten times the text: far from a hundred times the time."""
    entries = {f"שכונה {n} {m}": "X" for n in range(100) for m in range(100)} | {
        "ב" * n: "Y" for n in range(2, 60)
    }
    said = Pronunciations(entries)

    def seconds(text: str) -> float:
        began = time.process_time()
        said(text)
        return time.process_time() - began

    for piece in ("שכונה 7 ", "וכשב", "א'", '"', "ב" * 50 + " ", "שכונה 99 98 "):
        short = min(seconds(piece * 2000) for _ in range(3))
        long = min(seconds(piece * 20_000) for _ in range(3))
        assert long < 40 * max(short, 0.001), piece
