"""The embedded TTS: words, sound, and use by many calls at once."""

import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.hebrew.speak.numbers import cardinal
from server.hebrew.speak.speakable import speakable
from server.hebrew.understand.gender import Gender
from server.providers.base import ProviderError, Tts
from server.providers.embedded.tts import espeak, lexicon, telephone
from server.providers.embedded.tts.espeak import ESPEAK_RATE_HZ, EspeakError, VoiceSettings, short_path
from server.providers.embedded.tts.letters import without_points
from server.providers.embedded.tts.phonemes import read_word, to_espeak
from server.providers.embedded.tts.pointing import point
from server.providers.embedded.tts.reading import clauses, read_clause
from server.providers.embedded.tts.synthesizer import EmbeddedTts, speak_pcm16_8k
from tests.serving import ROOT

SENTENCE = "אני מחפשת דירת ארבעה חדרים בתל אביב עם מרפסת וחניה."

# Pointed words as a person would point them, and what they sound like: the rules alone.
POINTED = """
שָׁלוֹם shal'om | אֶפְשָׁר efsh'ar | לַעֲזוֹר laaz'or | קָצָר kats'ar | שׁוּב shuv | מִשְׁפָּט mishp'at
מֶלֶךְ m'elex | סֵפֶר s'efer | בֹּקֶר b'oker | דֶּלֶת d'elet | מָוֶת m'avet | אֶרֶץ 'erets | חֹדֶשׁ x'odesh
נַעַר n'aar | רֶגַע r'ega | שַׁעַר sh'aar | רֹחַב r'oxav | לָדַעַת lad'aat | אַחַר ax'ar | הַחַג hax'ag
בַּיִת b'ayit | מַיִם m'ayim | שְׁנָתַיִם shnat'ayim | חַיִּים xay'im | עֲדַיִין ad'ayin
לוּחַ l'uax | רֵיחַ r'eax | גָּבוֹהַּ gav'oa | לִקְבּוֹעַ likb'oa | מַגִּיעַ mag'ia | לְנַסֵּחַ lenas'eax
כָּתַבְתִּי kat'avti | רָצִיתִי rats'iti | מָצָאתִי mats'ati | אִשְׁתִּי isht'i | בֵּיתִי beyt'i
רָצִיתָ rats'ita | אַתָּה at'a | אַתֶּם at'em | שֶׁלָּכֶם shelax'em | אֲלֵיכֶם aleyx'em
שֶׁלָּנוּ shel'anu | אֲנַחְנוּ an'axnu | דִּבַּרְנוּ dib'arnu | נָתְנוּ natn'u | רָצִינוּ rats'inu
מָצָאנוּ mats'anu | שִׁיוּוק shiv'uk | שָׁווּ shav'u | צִוּוּי tsiv'uy | כְּדַאי kday | אֵלַיי el'ay | רָאוּי ra'uy
הִתְחִילָה hitx'ila | הִגִּיעוּ hig'iu | תַּגִּידִי tag'idi | מַגִּיעָה magi'a | הֵבִיאוּ hev'iu
עָלֶיךָ al'exa | אֵלֶיהָ el'eha | עָלָיו al'av | עַכְשָׁיו axsh'av | לְךָ lex'a
טֶלֶוִויזְיָה telev'izya | אִינְפוֹרְמַצְיָה inform'atsya | עִירִיָּה iriy'a
צָהֳרַיִם tsohor'ayim | מִצְוֹת mitsv'ot | חַוָּה xav'a | תּוֹר tor | גּוֹי goy | קִיּוּם kiy'um | דִּיּוּר diy'ur
מְחִיר mex'ir | הַמְּחִיר hamex'ir | רְחוֹב rex'ov | תְּמוּנָה tmun'a | תְּדַבֵּר tedab'er | שְׁאֵלָה sheel'a
הַדִּירָה hadir'a | מְדַבְּרִים medabr'im | יִשְׁמְרוּ yishmer'u | הַבְּרִירָה habrir'a | הַמְתָּנָה hamtan'a
שָׂדֶה sad'e | יִשְׂרָאֵל yisra'el | הוּא hu | הִיא hi | לֹא lo | גִּ׳ירָפָה jiraf'a | צִ׳יפְּס chips | ז׳ָקֶט zhak'et
קְנִיָּיה kniy'a | לְסַיֵּיעַ lesay'ea | שָׁוֶוה shav'e | הִנְנִי hinen'i | וּבְבַקָּשָׁה uvevakash'a
"""
WORDS = [tuple(row.split()) for line in POINTED.split("\n") for row in line.split("|") if row.strip()]


def read(text: str) -> str:
    return " ".join(read_clause(clause, point) for clause in clauses(text))


def samples(pcm16: bytes) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.frombuffer(pcm16, "<i2") / 32768


def run_python(program: str) -> str:
    """Runs in a process of its own: a native abort fails the test, not the test run."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("pointed", "phonemes"), WORDS)
def test_rules_read_pointed_words(pointed: str, phonemes: str) -> None:
    """Pointed words sound as in the table, whatever the order of their points."""
    assert read_word(pointed) == phonemes
    assert read_word(unicodedata.normalize("NFC", pointed)) == phonemes


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("שלום! איך אפשר לעזור?", "shal'om ex efsh'ar laaz'or"),
        ("שנייה… בודקת", "shniy'a bod'eket"),
        ("אפשר לנסח שוב במשפט קצר?", "efsh'ar lenas'eax shuv bemishp'at kats'ar"),
        ("הבנתי. תרצה שאפרט או להתקדם?", "hev'anti tirts'e sheafar'et o lehitkad'em"),
        ("בסדר, איך אוכל לסייע?", "bes'eder ex ux'al lesay'ea"),
        ("אנחנו עדיין על הקו?", "an'axnu ad'ayin al hak'av"),
    ],
)
def test_fixed_lines_need_no_model(text: str, phonemes: str) -> None:
    """The playbook's lines are in the lexicon word for word."""

    def no_model(_: str) -> str:
        raise AssertionError("a fixed line was left to the model")

    assert " ".join(read_clause(clause, no_model) for clause in clauses(text)) == phonemes


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("בתל אביב", "bet'el av'iv"),
        ("ובירושלים", "uveyerushal'ayim"),
        ("ושלושה חדרים", "ushlosh'a xadar'im"),
        ('ממ"ד', "mam'ad"),
        ("ב-4,200 ₪", "bearb'aat alaf'im umat'ayim shkal'im"),
        ("3.5%", "shlosh'a vax'etsi ax'uz"),
        ("050-1234567", "'efes xam'esh 'efes ax'at sht'ayim shal'osh 'arba xam'esh shesh sh'eva"),
        ("ב-14:00", "besht'ayim"),
        ("0000000", "'efes 'efes 'efes 'efes 'efes 'efes 'efes"),
        ("SMS ל-Dan", "es em es le dan"),
        ("WhatsApp", "v'otsap"),
        ("שָׁלֵם", "shal'em"),
        ("café", "kafe"),
    ],
)
def test_reads_prefixes_signs_digits_and_latin(text: str, phonemes: str) -> None:
    """No word of a text is dropped; a word with points of its own keeps that reading."""
    assert read(text) == phonemes


@given(st.integers(0, 999_999_999))
def test_every_number_has_words_the_lexicon_knows(number: int) -> None:
    """No number word is guessed, in either gender, nor in a dictated number."""
    known = lexicon.entries()
    texts = [cardinal(number, gender, before_noun=counted) for gender in Gender for counted in (True, False)]
    for word in " ".join((*texts, speakable(f"1{number:09}1"))).replace(",", "").split():
        assert word in known or word.removeprefix("ו") in known, word


def test_lexicon_is_well_formed() -> None:
    """Keys are unpointed and found; espeak knows every phoneme."""
    for words, phonemes in lexicon.entries().items():
        assert without_points(words) == words
        assert len(words.split()) <= lexicon.LONGEST_PHRASE
        assert list(clauses(words)[0].words) == words.split() or words.isascii()
        assert set(phonemes) <= set("abdefghijklmnoprstuvwxyz' -"), words
        assert to_espeak(phonemes)


@pytest.mark.parametrize("line", ["שלום shalom", "שלום\t", "\tshalom"])
def test_broken_lexicon_line_is_named(line: str) -> None:
    """The error names the line. Comments and blank lines are allowed."""
    assert lexicon.parsed("# a comment\n\nשלום  לך\tshalom lexa") == {"שלום לך": "shal'om lex'a"}
    with pytest.raises(lexicon.LexiconError, match="line 2"):
        lexicon.parsed(f"# a comment\n{line}")


def test_speech_is_telephone_audio() -> None:
    """Whole samples, a plausible length, a telephone's level, no clipping, no long silent edges."""
    pcm16 = speak_pcm16_8k(SENTENCE)
    assert len(pcm16) % 2 == 0
    sound = samples(pcm16)
    assert 3.5 < len(sound) / telephone.TELEPHONE_RATE_HZ < 6.5
    assert np.abs(sound).max() < 0.9
    assert -25 < 20 * np.log10(np.sqrt(np.mean(sound**2))) < -17
    assert np.abs(sound[:400]).max() > 0.01


def test_no_sound_is_no_audio() -> None:
    """No samples, or silent ones, give no audio and no pause."""
    assert telephone.to_telephone(b"", 300) == b""
    assert telephone.to_telephone(bytes(2 * 22_050), 300) == b""


def test_same_text_sounds_the_same() -> None:
    """espeak is not byte-reproducible, but length and loudness are close."""
    first, second = samples(speak_pcm16_8k(SENTENCE)), samples(speak_pcm16_8k(SENTENCE))
    assert abs(len(first) - len(second)) < 800
    assert abs(np.std(first) - np.std(second)) < 0.02


def test_voices_differ() -> None:
    """Variant, rate and pitch are audible, and do not carry over to the next voice."""
    agent = samples(speak_pcm16_8k(SENTENCE))
    slow = samples(speak_pcm16_8k(SENTENCE, variant="m3", rate=110, pitch=30))
    again = samples(speak_pcm16_8k(SENTENCE))
    assert len(slow) > 1.2 * len(agent)
    assert abs(len(again) - len(agent)) < 800


TELEPHONE_BAND = (300, 1000, 3000, 3400, 3600)
ABOVE_IT = (4200, 5100, 6500, 7600)


def test_the_whole_telephone_band_is_kept_and_nothing_folds_into_it() -> None:
    """Equal tones come out equal; those above 4 kHz vanish and leave no alias below."""
    at = np.arange(ESPEAK_RATE_HZ) / ESPEAK_RATE_HZ
    tones = sum(0.1 * np.sin(2 * np.pi * hz * at) for hz in TELEPHONE_BAND + ABOVE_IT)
    out = samples(telephone.to_telephone((tones * 32767).astype("<i2").tobytes(), 0))
    middle = out[1000:7000]
    spectrum = np.abs(np.fft.rfft(middle * np.blackman(len(middle))))
    level_db = 20 * np.log10(spectrum / spectrum.max() + 1e-9)
    bin_hz = telephone.TELEPHONE_RATE_HZ / len(middle)
    assert [level_db[round(hz / bin_hz)] for hz in TELEPHONE_BAND] == pytest.approx([0] * 5, abs=0.1)
    assert [level_db[round((8000 - hz) / bin_hz)] < -70 for hz in ABOVE_IT] == [True] * 4


@pytest.mark.parametrize("text", ["", " ", "\n\t", "?!…", "--", "🙂", "\0", "\u200f", "׳״", "\ud800"])
def test_nothing_to_say_is_no_audio(text: str) -> None:
    """A text without words gives no chunk and no error."""
    assert list(EmbeddedTts().synthesize(text, 5.0)) == []


HEBREW_TEXT = st.text(
    st.sampled_from(
        "אבגדהוזחטיכךלמםנןסעפףצץקרשת ,.?!-\"'׳״־:;()[]{}₪%$0123456789abcABC\u05b0\u05b8\u05b4\u05bc\u05c1"
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=40), HEBREW_TEXT))
def test_any_text_is_spoken_or_left_out(text: str) -> None:
    """Any Unicode text is accepted; brackets in it are never commands of espeak."""
    assert len(speak_pcm16_8k(text)) % 2 == 0


@pytest.mark.parametrize(
    "unit", ["ש", "שָׁ", "W", "a", "bcd ", "WW WWW ", "שלום ", "9", "״א", "[[", "׳", "שׁ\u05b0"]
)
def test_endless_words_are_spoken_in_parts(unit: str) -> None:
    """espeak's buffers have a fixed size: no word and no run of words may fill them."""
    chunks = [len(chunk) for chunk in EmbeddedTts().synthesize((unit * 1000)[:1000], 60.0)]
    assert max(chunks, default=0) < 2 * 8000 * 60


@pytest.mark.parametrize(
    ("phonemes", "mnemonics"),
    [
        ("shal'om", "Sal'om"),
        ("tshuv'a", "tSuv'a"),
        ("hats-har'a", "hatshaR'a"),
        ("xat'ul", "Xat'ul"),
        ("chips jirafa", "tS'ips dZ'iRafa"),
        ("et hab'ayit", "et hab'ajit"),
        ("ken", "k'en"),
    ],
)
def test_notation_becomes_mnemonics(phonemes: str, mnemonics: str) -> None:
    """Two letters are one sound only where meant; a monosyllable is stressed, a particle is not."""
    assert to_espeak(phonemes) == mnemonics


def test_long_text_comes_in_clauses() -> None:
    """One chunk per clause, so that a cancel acts soon; a long run without marks is split too."""
    assert len(list(EmbeddedTts().synthesize("שלום, תודה רבה. להתראות!", 5.0))) == 3
    assert len(list(EmbeddedTts().synthesize("שלום " * 60, 5.0))) > 3


def test_cancel_ends_the_stream() -> None:
    """No chunk follows ``cancel``; a second cancel does nothing."""
    stream = EmbeddedTts().synthesize("שלום, תודה רבה, להתראות.", 5.0)
    chunks = iter(stream)
    assert next(chunks)
    stream.cancel()
    stream.cancel()
    assert list(chunks) == []


def test_cancel_before_the_first_chunk() -> None:
    """A stream cancelled before iteration is empty."""
    stream = EmbeddedTts().synthesize("שלום", 5.0)
    stream.cancel()
    assert list(stream) == []


def test_time_limit_is_a_provider_error() -> None:
    """A stream out of time raises a retryable ProviderError."""
    with pytest.raises(ProviderError) as caught:
        list(EmbeddedTts().synthesize("שלום", 0.0))
    assert caught.value.retryable


def test_is_a_synthesizer() -> None:
    """The provider fits the protocol; ``warm`` makes no audible sound."""
    voice: Tts = EmbeddedTts()
    assert voice.name == "embedded"
    voice.warm()


def test_unknown_variant_is_refused() -> None:
    """A malformed variant is a ValueError; an unknown one is a ProviderError."""
    with pytest.raises(ValueError):
        EmbeddedTts(variant="../f3")
    with pytest.raises(ValueError):
        EmbeddedTts(rate=20)
    with pytest.raises(ProviderError):
        speak_pcm16_8k("שלום", variant="nosuchvoice")


def test_native_trouble_is_a_provider_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of espeak arrive as ProviderError."""

    def broken(*_: object) -> bytes:
        raise EspeakError("refused")

    monkeypatch.setattr(espeak, "speak", broken)
    with pytest.raises(ProviderError, match="refused"):
        list(EmbeddedTts().synthesize("שלום", 5.0))


@pytest.mark.parametrize(("module", "what"), [("espeakng_loader", "espeak"), ("piper.hebrew", "Nakdimon")])
def test_missing_package_is_a_provider_error(module: str, what: str) -> None:
    """Without the GPL packages the provider reports an error, and nothing else breaks."""
    program = f"""
import sys
sys.modules[{module!r}] = None
from server.providers.base import ProviderError
from server.providers.embedded.tts.synthesizer import EmbeddedTts
try:
    EmbeddedTts().warm()
except ProviderError as error:
    print(error)
"""
    assert what in run_python(program)


def test_long_data_paths_are_shortened(tmp_path: Path) -> None:
    """espeak cannot open a long path; it gets a link to the same files."""
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    (deep / "phontab").touch()
    short = Path(short_path(str(deep)))
    assert len(str(short)) < 96
    assert (short / "phontab").exists()
    assert short_path("/short") == "/short"


def test_importing_loads_nothing_native() -> None:
    """Libraries and models are loaded with the first sentence."""
    program = (
        "import sys, server.providers.embedded.tts.synthesizer\n"
        "heavy = {'onnxruntime', 'piper', 'espeakng_loader'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    run_python(program)


@pytest.mark.servers
def test_threads_share_the_library() -> None:
    """Eight threads, three sentences each, two voices: espeak would abort if two threads entered it."""
    program = f"""
import threading
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
done = []
def work(number):
    for i in range(3):
        pcm16 = speak_pcm16_8k({SENTENCE!r} * (1 + i % 2), variant=("f3", "m3")[number % 2])
        done.append(len(pcm16) > 40_000)
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(done), all(done))
"""
    assert run_python(program).split() == ["24", "True"]


@pytest.mark.servers
def test_gevent_hub_goes_on_during_synthesis() -> None:
    """Twenty greenlets synthesize at once, model loading included, while a ticker keeps running."""
    program = f"""
from gevent import monkey
monkey.patch_all()
import time
import gevent
from server.providers.embedded.tts.synthesizer import EmbeddedTts
EmbeddedTts().warm()
stalls, running = [], True
def tick():
    before = time.perf_counter()
    while running:
        gevent.sleep(0.005)
        now = time.perf_counter()
        stalls.append(now - before - 0.005)
        before = now
ticker = gevent.spawn(tick)
def speak():
    return sum(map(len, EmbeddedTts().synthesize({SENTENCE!r}, 30.0)))
began = time.perf_counter()
calls = [gevent.spawn(speak) for _ in range(20)]
gevent.joinall(calls, raise_error=True)
took = time.perf_counter() - began
running = False
ticker.join()
spoke = all(call.value > 40_000 for call in calls)
print(len(calls), spoke, len(stalls), round(1000 * max(stalls)), round(1000 * took))
"""
    calls, all_spoke, ticks, longest_ms, took_ms = run_python(program).split()
    print(f"longest stall of the hub {longest_ms} ms, {ticks} ticks in {took_ms} ms")
    assert (calls, all_spoke) == ("20", "True")
    assert int(ticks) >= 5


def test_settings_are_checked() -> None:
    """Out-of-range settings are refused, which espeak would clip silently."""
    assert VoiceSettings().rate == 160
    with pytest.raises(ValueError):
        VoiceSettings(pitch=100)
    assert ESPEAK_RATE_HZ == 22_050
