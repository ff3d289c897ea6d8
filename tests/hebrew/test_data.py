"""Lists that Hebrew speakers extend, and the families in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.data import Phrases
from server.hebrew.families import slots_of

LINES = [
    ("כן", "כן", "לא"),
    ("כל_כך|די טוב*?", "כל כך / די טובות / כל כך טובה", "כל / טוב / כל כך דירה"),
    ("תמשיך+ כאן|שם", "תמשיך כאן / תמשיכי שם / תמשיכו כאן", "תמשיך / כאן"),
    ("תשמור+", "תשמור / תשמרי / תשמרו", "תשמ"),
    ("מעוניין*", "מעוניין / מעוניינת / מעונין / מעונינת / מעוניינים", "מעונ"),
    ("מותק~", "מותק / מותקי / מותקלה", "מותקים"),
    ("תודה על ה…", "תודה על העזרה", "תודה על / תודה על זה"),
]


@pytest.mark.parametrize("line", ["קופי | רוגר", "קופי|", "קופי / רוגר", "קופי,רוגר", "קופי <very", "**"])
def test_a_malformed_line_is_explained(line):
    """The error explains the line, without a traceback."""
    with pytest.raises(ValueError, match="is no slot"):
        Phrases([line])


@pytest.mark.parametrize(
    "text, told",
    [
        ("כן\nקופי | רוגר", "nods.txt: 'קופי | רוגר': '|' is no slot"),
        ("קופי <very2>?", "nods.txt: 'קופי <very2>[?]': <very2> is no"),
        ("כן\n[army]\nקופי", "nods.txt: 'כן' stands above the first"),
    ],
)
def test_a_wrong_list_is_named_with_its_line(text, told, tmp_path, monkeypatch):
    """The file, the line, and what is wrong."""
    (tmp_path / "nods.txt").write_text(text, "utf-8")
    monkeypatch.setattr("server.hebrew.data.FOLDER", tmp_path)
    with pytest.raises(ValueError, match=told.replace("|", "[|]").replace("[[]|[]]", "[|]")):
        Phrases.read("nods")


@pytest.mark.parametrize("line, said, unsaid", LINES)
def test_d4_a_line_is_a_family(line, said, unsaid):
    """D4, E1: slots, forms and spellings; a phrase is found whole, among other words."""
    family = Phrases([line])
    assert all(family.make_up(one.split()) for one in said.split(" / "))
    assert not any(family.make_up(one.split()) for one in unsaid.split(" / "))
    for one in said.split(" / "):
        words = one.split()
        assert family.at(["אז", *words, "נו"], 1) == family.at_end(["אז", *words]) == len(words)
        assert family.within(["אז", *words]) and not family.within(["אז"])


def test_d4_what_may_be_missing_is_a_choice_among_words():
    """D4: the parts of a line."""
    wanted, again = slots_of("את_זה|אותו? שוב")
    assert wanted.missing and wanted.phrases == (("את", "זה"), ("אותו",))
    assert not again.missing and again.phrases == (("שוב",),)


def test_d4_prefixes_stand_before_the_first_word():
    """D4: "ו" needs no line; a union has the phrases of both lists."""
    joined = Phrases(["כן אחי"], prefixes=("ו",)) | Phrases(["לא"])
    assert joined.make_up(["וכן", "אחי", "לא"]) and not joined.within(["ולא"]) and not joined.within(["ואחי"])


def test_d4_no_word_leads_nowhere():
    """D4: a word may consist of prefix letters only."""
    family = Phrases(["ה…"])
    assert family.ends(["העזרה"], 0) and not family.ends(["", "העזרה"], 0)


def test_d4_a_list_that_is_not_there_is_told():
    with pytest.raises(OSError, match="nowhere"):
        Phrases.read("nowhere")


SLOTS = st.sampled_from(["א", "ב", "ג", "א|ב", "א_ב|ג", "ב?", "א|ג?", "א_ב?", "א…|ב"])
LINES_OF_SLOTS = st.lists(SLOTS, min_size=1, max_size=4).filter(lambda line: any("?" not in s for s in line))
WORDS = st.lists(st.sampled_from(["א", "ב", "ג", "אב"]), max_size=6)


def is_said(slots, words):
    """Whether ``words`` fill ``slots``, tried one by one."""
    if not slots:
        return not words
    slot, *rest = slots
    filled = any(
        tuple(words[: len(said)]) == said and is_said(rest, words[len(said) :]) for said in slot.phrases
    )
    begun = bool(words) and words[0].startswith(slot.prefixes) and is_said(rest, words[1:])
    return filled or begun or (slot.missing and is_said(rest, words))


@given(st.lists(LINES_OF_SLOTS, min_size=1, max_size=4), WORDS)
def test_d4_the_automaton_knows_what_the_slots_say(lines, words):
    """D4: it finds exactly the ends that trying slot by slot finds, also when asked again."""
    family = Phrases([" ".join(line) for line in lines])
    ways = [slots_of(" ".join(line)) for line in lines]
    ends = [end for end in range(1, len(words) + 1) if any(is_said(way, words[:end]) for way in ways)]
    assert family.ends(words, 0) == ends == family.ends(words, 0)
