"""Part 7: the gender shown by the caller's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.understand.gender import Gender, shown_gender
from server.hebrew.understand.gender_forms import by_template, listed_pairs
from tests.hebrew.tables import phrases_of, rows


@pytest.mark.parametrize("text, gender", rows("gender_cases"))
def test_the_callers_own_speech_shows_it(text, gender):
    """Only statements about oneself; none if they contradict each other."""
    shown = shown_gender(text)
    assert (shown.value if shown else "none") == gender


@pytest.mark.parametrize("masculine, feminine", [*listed_pairs("gender/pairs", "gender/pairs_alone")])
def test_every_pair_shows_both(masculine, feminine):
    if masculine:
        assert shown_gender(f"אני {masculine}").value == "masculine"
        assert shown_gender(f"ההוא {masculine} וההיא {feminine}") is None
    if feminine:
        assert shown_gender(f"אני גם {feminine} היום").value == "feminine"
    if masculine and feminine:
        assert shown_gender(f"אני {masculine} או שאני {feminine}") is None


# A form of each template, and the verb, the adjective or the trade it stands for.
BUILT = """עובד עובדת / שומע שומעת / יוצא יוצאת / מדבר מדברת / מתקשר מתקשרת / מטלפן מטלפנת / מסיים מסיימת
מסתובב מסתובבת / מתגורר מתגוררת / מאושר מאושרת / מעוניין מעוניינת / מבולבל מבולבלת / מופתע מופתעת
מרגיש מרגישה / מגיע מגיעה / מודיע מודיעה / נכנס נכנסת / תקוע תקועה / פנוי פנויה / צעיר צעירה / סקרן סקרנית
עצבני עצבנית / גמלאי גמלאית / פנסיונר פנסיונרית / סטודנט סטודנטית / מילואימניק מילואימניקית"""


@pytest.mark.parametrize(
    "masculine, feminine", [pair.split() for pair in BUILT.replace("\n", "/").split("/")]
)
def test_a_template_tells_both_genders_apart(masculine, feminine):
    """Kind 16: by word pattern, without a list."""
    assert by_template(masculine) is Gender.MASCULINE
    assert by_template(feminine) is Gender.FEMININE
    assert shown_gender(f"אני לא {masculine}") is shown_gender(f"הייתי {masculine}") is Gender.MASCULINE
    assert shown_gender(f"כי אני {feminine}") is shown_gender(f"אני ה{feminine}") is Gender.FEMININE


BOTH = "רוצה קונה עושה מורה חולה טועה רואה מחכה מנסה מקווה מרצה מרוצה מתכסה מודה נכה".split()


@pytest.mark.parametrize("word", BOTH)
def test_a_word_of_both_genders_shows_none(word):
    """Kind 16: verbs in ה have the same spelling."""
    assert by_template(word) is None
    assert shown_gender(f"אני {word} את זה") is None


@pytest.mark.parametrize("masculine, feminine", [*listed_pairs("gender/pairs")])
def test_no_pair_is_listed_that_templates_build(masculine, feminine):
    """Kind 16: the list holds only what the patterns do not match."""
    built = by_template(masculine) is Gender.MASCULINE and by_template(feminine) is Gender.FEMININE
    assert not built


@pytest.mark.parametrize("place", phrases_of("gender/from"))
def test_where_one_is_from_shows_nothing(place):
    """Kind 16: "אני מחברת הביטוח" is no participle."""
    assert shown_gender(f"אני מ{place}") is shown_gender(f"כן אני מ{place} של החברה") is None


@pytest.mark.parametrize("word", phrases_of("gender/lookalikes"))
def test_what_looks_like_a_form_shows_nothing(word):
    """Kind 16: no gender is invented."""
    assert shown_gender(f"אני {word}") is None


@given(st.text(max_size=60))
def test_any_text_is_judged(text):
    shown_gender(text)


@given(st.text("אבהויכלמנעשת ", max_size=30))
def test_any_words_behind_i_are_judged(words):
    shown_gender(f"אני {words}")


@pytest.mark.parametrize("masculine, feminine", [*listed_pairs("gender/pairs_kin")])
def test_kin_is_the_caller_only_when_nobody_else_is_counted(masculine, feminine):
    """ "אני אמא לשלושה" is the caller; "אני אמא ושני ילדים" counts the people who will live there."""
    for form, gender in ((masculine, "masculine"), (feminine, "feminine")):
        assert shown_gender(f"אני {form}").value == gender
        assert shown_gender(f"אני {form} לשלושה").value == gender
        assert shown_gender(f"אני {form} של דנה").value == gender
        assert shown_gender(f"אני {form} בן 40").value == gender
        assert shown_gender(f"אני ה{form} של דנה").value == gender
        for others in ("שלי ואחותי", "ושני ילדים", "והשותף", "בן ובת", "שני ילדים"):
            assert shown_gender(f"אני {form} {others}") is None
        assert shown_gender(f"אנחנו שלושה אני {form}") is None


@pytest.mark.parametrize("masculine, feminine", [*listed_pairs("gender/pairs_roles")])
def test_a_role_is_the_callers(masculine, feminine):
    """Kind 16: "כאמא", "בתור תושב", "גבר כמוני"; not another's role."""
    for form, gender in ((masculine, "masculine"), (feminine, "feminine")):
        assert shown_gender(f"כ{form} זה חשוב לי").value == gender
        assert shown_gender(f"בתור {form} זה חשוב לי").value == gender
        assert shown_gender(f"היא כ{form} יודעת") is None
