"""The worker of one turn: the LLM's sentences and their voice, posted as events."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from server.audio.frames import pcm16_to_mulaw
from server.audio.vad import EnergyOnly
from server.call.context import CallContext
from server.call.reply_worker import ReplyWorker
from server.config import Config
from server.providers.audio_files import AudioFiles
from server.providers.base import ProviderError, ReplyRequest
from server.providers.fallback import BreakerParams, FallbackChain, Try
from server.providers.provider_set import Providers
from server.providers.tts_cache import TtsCache, beep
from server.providers.tts_cache_disk import TtsCacheDisk, audio_key
from server.turns.effects import EndCall, Expected, SaveLead
from server.turns.events import LlmFailed, ReplyDone, ReplySentence, TtsAudio, TtsSentenceDone
from tests.simtime.runtime import SimRuntime
from tests.simtime.scripted import ScriptedStream

REQUEST = ReplyRequest("שלום", (), 1, "warm", 0, 400)
EXPECTED = Expected(("כן",), 2)
ACTS = (SaveLead((("name", "דנה"),)), EndCall())
PCM16 = b"\x01\x02" * 480  # three frames
CONFIG = Config(_env_file=None, **{name: field.default for name, field in Config.model_fields.items()})
AGAIN = ProviderError("down", retryable=True)
BEEP = pcm16_to_mulaw(beep())


class Provider:
    """An LLM or a voice: the n-th stream plays the n-th script (the last one again and again)."""

    opening = Expected()
    expected = EXPECTED
    acts = ACTS
    authored = True

    def __init__(self, runtime, *scripts, name="engine", obeys=True):
        self.runtime, self.scripts, self.name, self.obeys = runtime, scripts, name, obeys
        self.identity = name
        self.asked = []
        self.streams = []

    def respond(self, request, timeout_s):
        return self._open(request)

    def synthesize(self, text, timeout_s):
        return self._open(text)

    def _open(self, what):
        script = self.scripts[min(len(self.asked), len(self.scripts) - 1)]
        self.asked.append(what)
        stream = ScriptedStream(self.runtime, *script, obeys=self.obeys)
        stream.expected, stream.acts = self.expected, self.acts
        self.streams.append(stream)
        return stream


class Turn:
    """``skip_after`` failures in a row an engine is skipped (G4)."""

    def __init__(self, *, llm=(), tts=(), phrases=(), skip_after=9, first_token_s=1.5):
        self.runtime = SimRuntime()
        self.llm = [self._provider(scripts, f"llm{n}") for n, scripts in enumerate(llm or [[[]]])]
        self.tts = [self._provider(scripts, f"tts{n}") for n, scripts in enumerate(tts or [[[]]])]
        self.phrases = TtsCache(phrases, [voice.identity for voice in self.tts])
        self.posted = []
        self.complaints = []
        stt, llm, tts = (
            FallbackChain(kind, tuple(providers), BreakerParams(skip_after, 30), self.runtime.clock)
            for kind, providers in (("asr", [None]), ("llm", self.llm), ("tts", self.tts))
        )
        providers = Providers(stt, llm, tts, self.phrases, EnergyOnly)
        log = SimpleNamespace(complaint=self.complaints.append)
        self.context = CallContext(self.runtime, CONFIG, providers, log)
        self.worker = self.another(7, first_token_s=first_token_s)

    def another(self, turn_id=8, **more):
        """The worker of another turn of the same call."""
        return ReplyWorker(self.context, turn_id, self._post, **more)

    def _provider(self, scripts, name):
        obeys = "deaf" not in scripts
        return Provider(self.runtime, *(s for s in scripts if s != "deaf"), name=name, obeys=obeys)

    def _post(self, event):
        self.posted.append((round(self.runtime.now, 3), event))

    def run(self, until=30):
        self.runtime.run_until(until)
        return [event for _, event in self.posted]

    @property
    def ended(self):
        """When the last of its threads was gone."""
        return max(task.ended_at for task in self.worker.tasks)


def thought(*llm):
    turn = Turn(llm=llm)
    turn.worker.generate(REQUEST)
    return turn, turn.run()


def said(*tts, text="שלום", phrases=()):
    turn = Turn(tts=tts, phrases=phrases)
    turn.worker.say(0, text)
    return turn, turn.run()


def sentence(text):
    return ReplySentence(7, text)


def audio(pcm16=PCM16, index=0):
    return TtsAudio(7, index, pcm16_to_mulaw(pcm16))


DONE, VOICED = ReplyDone(7, EXPECTED, ACTS), TtsSentenceDone(7, 0)


# ---- the LLM


def test_c2_sentences_as_soon_as_they_are_whole():
    """C2: pieces of any size; the end says what may be answered."""
    turn, _ = thought([["שלום ל", "ך. ", 0.3, "מה ", 0.3, "שלומך? ועוד"]])
    assert turn.posted == [
        (0, sentence("שלום לך.")),
        (0.6, sentence("מה שלומך?")),
        (0.6, sentence("ועוד")),
        (0.6, DONE),
    ]
    assert turn.runtime.alive() == []


def test_an_llm_that_says_nothing_has_thought():
    """G2: the core knows what to say then."""
    assert thought([[]])[1] == [DONE]


@pytest.mark.parametrize(
    "llm, asked, end",
    {
        "the same mind again": ([[[AGAIN], ["כן."]]], [2], DONE),
        "a mind that was late is asked again": ([[[9.0, "כן."], ["כן."]]], [2], DONE),
        "not for what stays wrong": (
            [[[ProviderError("no key")], ["כן."]]],
            [1],
            LlmFailed(7, "llm0: no key"),
        ),
        "nor for a bug": ([[[KeyError("x")], ["כן."]]], [1], LlmFailed(7, "llm0: KeyError: 'x'")),
        "the next mind": ([[[ProviderError("down")]], [["כן."]]], [1, 1], DONE),
        "a bug is a failure": ([[[KeyError("x")]], [["כן."]]], [1, 1], DONE),
        "one retry, no more": ([[[AGAIN]]], [2], LlmFailed(7, "llm0: down")),
        "no third mind": (
            [[[ProviderError("a")]], [[ProviderError("b")]], [["כן."]]],
            [1, 1, 0],
            LlmFailed(7, "llm1: b"),
        ),
        "a late mind, and time for another": ([[[9.0, "כן."]], [["כן."]]], [1, 1], DONE),
        "a failure in time": ([[[1.4, ProviderError("down")]], [["כן."]]], [1, 1], DONE),
        "half a sentence is nothing said": ([[["חצי ", AGAIN], ["כן."]]], [2], DONE),
    }.values(),
)
def test_g2_one_retry_if_there_is_time(llm, asked, end):
    """G2: with the next engine, else the same; exactly one event ends it."""
    turn, posted = thought(*llm)
    assert [len(each.asked) for each in turn.llm] == asked
    assert posted == ([sentence("כן."), end] if end is DONE else [end])
    assert turn.runtime.alive() == []


def test_g2_no_retry_when_time_is_up():
    """G2: the turn's deadline would come first."""
    turn = Turn(llm=[[["א", 1.0, "ב", 1.0, ProviderError("down")]], [["כן."]]])
    turn.worker.generate(REQUEST)
    assert turn.run() == [LlmFailed(7, "llm0: down")]
    assert turn.llm[1].asked == []


def test_g2_an_llm_that_fails_in_the_middle_is_not_asked_again():
    """G2: the caller has begun to hear its answer; the half sentence is not said."""
    turn, posted = thought([["שלום. ", "חצי", ProviderError("down")]], [["אחר."]])
    assert posted == [sentence("שלום."), LlmFailed(7, "llm0: down")]
    assert turn.llm[1].asked == []


def test_g1_an_llm_that_stalls_in_the_middle_has_failed():
    """G1: every wait inside a stream is bounded."""
    turn, posted = thought([["שלום. ", 9.0, "עוד."]])
    assert posted == [sentence("שלום."), LlmFailed(7, "llm0: nothing within 1500 ms")]
    assert turn.ended == 1.5


class Stubborn(Provider):
    """An LLM that fails before there is a stream, after half a second."""

    def respond(self, request, timeout_s):
        self.asked.append(request)
        self.runtime.event().wait(0.5)
        raise AGAIN


def test_g2_an_llm_that_cannot_even_begin_has_failed():
    """G2: before there is a stream; dropped meanwhile, it has not."""
    for dropped_at, posted in ((None, [LlmFailed(7, "llm: down")]), (0.3, []), (0.7, [])):
        turn = Turn()
        llm = Stubborn(turn.runtime, name="llm")
        chain = FallbackChain("llm", (llm,), BreakerParams(9), turn.runtime.clock)
        turn.context.providers = replace(turn.context.providers, llm=chain)
        turn.worker.generate(REQUEST)
        if dropped_at is not None:
            turn.runtime.call_at(dropped_at, turn.worker.cancel)
        assert turn.run() == posted
        assert len(llm.asked) == (1 if dropped_at == 0.3 else 2)


def test_the_llm_gets_the_request():
    """E5: what was heard, and the shape of the answer."""
    assert thought([["כן."]])[0].llm[0].asked == [REQUEST]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_e5_what_no_caller_is_to_hear_reaches_no_voice(size):
    """faults 8, E5: whoever wrote it; what was called in the text is done with the rest."""
    text = "<think>לא. כן.</think>**שלום.** end_call() מה?"
    turn = Turn(llm=[[[text[at : at + size] for at in range(0, len(text), size)]]])
    turn.llm[0].authored = False
    turn.worker.generate(REQUEST)
    acts = (EndCall(), *ACTS[:1])
    assert turn.run() == [sentence("שלום."), sentence("מה?"), ReplyDone(7, EXPECTED, acts)]


def test_f5_an_answer_that_says_nothing_has_failed():
    """F3, G2: the next mind is asked."""
    turn = Turn(llm=[[["<think>לא."]], [["כן."]]])
    turn.llm[0].authored, turn.llm[0].acts = False, ()
    turn.worker.generate(REQUEST)
    assert turn.run() == [sentence("כן."), DONE]


# ---- the voice


def test_c2_audio_as_it_is_made():
    """C2: chunk by chunk, in whole frames, the last one filled up; and then the sentence is voiced."""
    turn = Turn(tts=[[[PCM16, 0.2, PCM16[:101], PCM16[:99], 0.1, PCM16[:201]]]])
    turn.worker.say(0, "שלום")
    turn.run()
    rest = pcm16_to_mulaw(PCM16[120:200])
    assert turn.posted == [
        (0, audio()),
        (0.3, audio(PCM16[:100] + PCM16[100:101] + PCM16[:99] + PCM16[:120])),
        (0.3, TtsAudio(7, 0, rest.ljust(160, b"\xff"))),
        (0.3, VOICED),
    ]


def test_c2_one_sentence_after_the_other():
    """C2: in the order they were given; the thread waits for more."""
    turn = Turn(tts=[[[0.2, PCM16]]])
    turn.worker.say(0, "ראשון")
    turn.worker.say(1, "שני")
    assert turn.run() == [audio(), VOICED, audio(index=1), TtsSentenceDone(7, 1)]
    assert turn.tts[0].asked == ["ראשון", "שני"]
    turn.worker.say(2, "שלישי")
    assert turn.run(40)[-1] == TtsSentenceDone(7, 2)
    assert turn.runtime.alive() == ["tts-7"]


@pytest.mark.parametrize(
    "failing, complaint",
    {
        "fails": ([ProviderError("down")], "down"),
        "has a bug": ([KeyError("x")], "KeyError: 'x'"),
        "is late": ([9.0, PCM16], "nothing within 1000 ms"),
        "gives nothing": ([], "0 bytes for 4 characters"),
        "gives no audio": (["text"], "gave str for audio"),
    }.values(),
)
def test_g2_the_next_voice_says_it(failing, complaint):
    """G2: the caller hears the sentence once, and the log says which voice failed."""
    turn, posted = said([failing], [[PCM16]])
    assert posted == [audio(), VOICED]
    assert turn.complaints == [f"tts0: {complaint}"]


@pytest.mark.parametrize("given, enough", [(398, False), (400, True)])
def test_g2_under_400_bytes_is_no_sentence(given, enough):
    """G2: the next voice follows what little there was."""
    turn, posted = said([[PCM16[:given]]], [[PCM16]])
    alone = [audio(PCM16[:320]), TtsAudio(7, 0, pcm16_to_mulaw(PCM16[320:given]).ljust(160, b"\xff")), VOICED]
    spoken = b"".join(event.mulaw_8k for event in posted if isinstance(event, TtsAudio))
    assert posted == alone if enough else spoken.startswith(pcm16_to_mulaw(PCM16[:given] + PCM16))
    assert bool(turn.complaints) is not enough


def test_f6_silence_is_no_speech():
    """F6, G2: nothing of it is played before the next voice says the sentence; with none left a beep."""
    turn, posted = said([[bytes(4000), 0.1, bytes(4001)]], [[PCM16]])
    assert posted == [audio(), VOICED]
    assert turn.complaints == ["tts0: 8000 bytes of silence for 4 characters"]
    _, posted = said([[bytes(4000)]])
    assert posted == [TtsAudio(7, 0, BEEP), VOICED]


def test_f6_silence_without_end_is_late():
    """F6, G1: what cannot be heard is no first audio."""
    turn, posted = said([[bytes(320), 0.4] * 9], [[PCM16]])
    assert posted == [audio(), VOICED] and "nothing within 1000 ms" in turn.complaints[0]


def test_g2_when_no_voice_works_there_is_a_beep():
    """G2: never silence."""
    assert said([[ProviderError("a")]], [[]])[1] == [TtsAudio(7, 0, BEEP), VOICED]


def test_g2_a_voice_that_fails_past_the_middle_is_not_repeated():
    """G2: said again from the start it would sound worse."""
    turn, posted = said([[PCM16, PCM16, PCM16, ProviderError("down")]], [[PCM16]])
    assert posted == [audio(), audio(), audio(), VOICED]
    assert turn.tts[1].asked == []
    assert turn.complaints == ["tts0: down"]


def test_g2_a_voice_that_fails_at_once_is_followed_by_the_next():
    """G2: a syllable is no sentence: the next voice says all of it; with none left there is no beep."""
    turn, posted = said([[PCM16, ProviderError("down")]], [[PCM16, PCM16]])
    assert posted == [audio(), audio(), audio(), VOICED]
    assert turn.phrases.get("שלום", best_voice_down=True) == pcm16_to_mulaw(PCM16 + PCM16)
    assert said([[PCM16, ProviderError("down")]])[1] == [audio(), VOICED]


def test_the_fixed_lines_are_kept_for_the_next_call():
    """B5: one that was made in a call, whole; what failed in the middle is not."""
    turn, _ = said([[PCM16, PCM16]], phrases=["שלום"])
    assert turn.phrases.get("שלום") == pcm16_to_mulaw(PCM16 + PCM16)
    broken, _ = said([[PCM16, ProviderError("down")]], phrases=["שלום"])
    assert broken.phrases.get("שלום") is None
    beeped, _ = said([[]], phrases=["שלום"])
    assert beeped.phrases.get("שלום") is None


# ---- dropped


@pytest.mark.parametrize("at", [0.1, 0.3, 0.9])
def test_f6_dropped_while_it_thinks(at):
    """F6: no end event, and its threads are gone at once; no other mind is asked."""
    turn = Turn(llm=[[["שלום. ", 0.5, "עוד. ", 9.0]], [["אחר."]]])
    turn.worker.generate(REQUEST)
    turn.runtime.call_at(at, turn.worker.cancel)
    posted = turn.run()
    assert posted == [sentence("שלום."), sentence("עוד.")][: 1 + (at > 0.5)]
    assert turn.runtime.alive() == []
    assert turn.ended == at
    assert turn.llm[1].asked == []


@pytest.mark.parametrize("at", [0.1, 0.3, 0.6])
def test_f6_dropped_while_it_speaks(at):
    """F6: what is queued is not said, no other voice is tried, and its threads are gone at once."""
    turn = Turn(tts=[[[PCM16, 0.5, PCM16, 9.0]], [[PCM16]]])
    turn.worker.say(0, "ראשון")
    turn.worker.say(1, "שני")
    turn.runtime.call_at(at, turn.worker.cancel)
    turn.runtime.call_at(at, turn.worker.cancel)
    posted = turn.run()
    assert [event for event in posted if isinstance(event, TtsAudio)] == [audio()] * (1 + (at > 0.5))
    assert not any(event.index for event in posted)
    assert turn.tts[0].asked == ["ראשון"] and turn.tts[1].asked == []
    assert turn.complaints == []
    assert turn.runtime.alive() == []
    assert turn.ended == at


def test_f6_dropped_before_its_first_audio():
    """F6: that is no failure of the voice, and nobody else says it."""
    turn = Turn(tts=[[[9.0]], [[PCM16]]])
    turn.worker.say(0, "שלום")
    turn.runtime.call_at(0.3, turn.worker.cancel)
    assert not [event for event in turn.run() if isinstance(event, TtsAudio)]
    assert (turn.tts[1].asked, turn.complaints, turn.ended) == ([], [], 0.3)


def test_f6_dropped_before_its_threads_ran():
    """F6: they find themselves dropped."""
    turn = Turn(llm=[[[5.0, "שלום."]]], tts=[[[5.0, PCM16]]])
    turn.worker.generate(REQUEST)
    turn.worker.say(0, "שלום")
    turn.worker.cancel()
    assert turn.run() == []
    assert turn.runtime.alive() == []
    assert turn.ended == 0


def test_f6_a_provider_that_ignores_cancel_is_left_behind():
    """F6: the worker's own thread does not wait for it, and nothing of it is posted."""
    turn = Turn(llm=[["deaf", [5.0, "שלום."]]])
    turn.worker.generate(REQUEST)
    turn.runtime.call_at(0.3, turn.worker.cancel)
    assert turn.run(1) == []
    assert turn.runtime.alive() == ["llm-7"]
    assert [task.name for task in turn.worker.tasks if task.is_alive()] == ["llm-7"]
    assert turn.run(10) == []
    assert turn.runtime.alive() == []


def test_a_worker_without_work_has_no_threads():
    """F6: and can be dropped."""
    turn = Turn()
    turn.worker.cancel()
    assert turn.worker.tasks == []


@pytest.mark.parametrize("made_before", [[PCM16, 9.0], [9.0]], ids=["half a line", "nothing yet"])
def test_a_dropped_line_is_not_kept(made_before):
    """G2: a line cut short by a barge-in must not be what every later call hears."""
    turn = Turn(tts=[[made_before]], phrases=["שלום"])
    turn.worker.say(0, "שלום")
    turn.runtime.call_at(0.3, turn.worker.cancel)
    turn.run()
    assert turn.phrases.get("שלום") is None


def test_g2_a_click_and_then_a_failure_is_nothing():
    """G2: under 400 bytes were made: the next voice says it."""
    turn, _ = said([[PCM16[:100], ProviderError("down")]], [[PCM16]])
    assert turn.tts[1].asked == ["שלום"]


# ---- G4: what the chain is told


def skips(chain):
    """Which engines would be skipped now."""
    given = [attempt.provider for attempt in chain.tries()]
    return [provider.name for provider in chain if provider not in given]


@pytest.mark.parametrize(
    "script, skipped",
    {
        "an error": ([ProviderError("down")], True),
        "a bug": ([KeyError("x")], True),
        "too late": ([9.0, "כן."], True),
        "in the middle of its reply": (["שלום. ", ProviderError("down")], True),
        "a reply": (["כן."], False),
        "an empty reply": ([], False),
    }.values(),
)
def test_g4_an_llm_that_fails_is_told(script, skipped):
    """G4: whatever the way it failed."""
    turn = Turn(llm=[[script], [["כן."]]], skip_after=1)
    turn.worker.generate(REQUEST)
    turn.run(5)
    assert skips(turn.context.providers.llm) == (["llm0"] if skipped else [])


def test_g4_an_llm_that_is_skipped_is_not_asked():
    """G4: the next one is the first then, and is asked once more when it fails."""
    turn = Turn(llm=[[["כן."]], [[AGAIN], ["לא."]]], skip_after=2)
    llm = turn.context.providers.llm
    for _ in range(2):
        Try(llm, 0).failed("down")
    turn.worker.generate(REQUEST)
    assert turn.run(5) == [sentence("לא."), DONE]
    assert [len(each.asked) for each in turn.llm] == [0, 2]


def test_g4_an_llm_that_works_is_told():
    """G4: in a row."""
    turn = Turn(llm=[[["כן."]], [["לא."]]], skip_after=2)
    llm = turn.context.providers.llm
    Try(llm, 0).failed("down")
    turn.worker.generate(REQUEST)
    turn.run(5)
    Try(llm, 0).failed("down")
    assert skips(llm) == []


@pytest.mark.parametrize("script", [[9.0], ["שלום. ", 9.0], ["deaf", 0.5, ProviderError("down")]])
def test_g4_what_was_dropped_counts_for_nothing(script):
    """G4: neither a failure nor a success."""
    deaf = ["deaf"] if "deaf" in script else []
    turn = Turn(llm=[[*deaf, [step for step in script if step != "deaf"]], [[]]], skip_after=2)
    llm = turn.context.providers.llm
    Try(llm, 0).failed("down")
    turn.worker.generate(REQUEST)
    turn.runtime.call_at(0.3, turn.worker.cancel)
    turn.run(5)
    assert skips(llm) == []
    Try(llm, 0).failed("down")
    assert skips(llm) == ["llm0"]


@pytest.mark.parametrize(
    "script, skipped",
    {
        "an error": ([ProviderError("down")], True),
        "a bug": ([KeyError("x")], True),
        "too late": ([9.0, PCM16], True),
        "in the middle": ([PCM16, ProviderError("down")], True),
        "too little": ([PCM16[:398]], True),
        "silence": ([bytes(8000)], True),
        "a sentence": ([PCM16], False),
    }.values(),
)
def test_g4_a_voice_that_fails_is_told(script, skipped):
    """G4: whatever the way it failed, also when the caller heard half of it."""
    turn = Turn(tts=[[script], [[PCM16]]], skip_after=1)
    turn.worker.say(0, "שלום")
    turn.run(5)
    assert skips(turn.context.providers.tts) == (["tts0"] if skipped else [])


def test_g4_a_voice_that_is_skipped_says_nothing():
    """G4: from the second sentence on, the next voice is the first one tried."""
    turn = Turn(tts=[[[ProviderError("down")]], [[PCM16]]], skip_after=1)
    turn.worker.say(0, "ראשון")
    turn.worker.say(1, "שני")
    turn.run(5)
    assert (turn.tts[0].asked, turn.tts[1].asked) == (["ראשון"], ["ראשון", "שני"])
    assert len(turn.complaints) == 1


def test_g4_a_voice_that_was_dropped_counts_for_nothing():
    """G4: a barge-in is nobody's fault and nobody's merit."""
    turn = Turn(tts=[[[PCM16, 9.0]], [[PCM16]]], skip_after=2)
    tts = turn.context.providers.tts
    Try(tts, 0).failed("down")
    turn.worker.say(0, "שלום")
    turn.runtime.call_at(0.3, turn.worker.cancel)
    turn.run(5)
    assert skips(tts) == []
    Try(tts, 0).failed("down")
    assert skips(tts) == ["tts0"]


def test_a_sentence_is_kept_under_the_voice_that_made_it():
    """G2: so that the best voice's is preferred once it is back."""
    turn, _ = said([[ProviderError("down")]], [[PCM16]])
    assert turn.phrases.get("שלום") is None
    assert turn.phrases.get("שלום", best_voice_down=True) == pcm16_to_mulaw(PCM16)
    turn.phrases.keep("tts0", "שלום", b"\x33")
    assert turn.phrases.get("שלום") == b"\x33"


@pytest.mark.parametrize(
    "script, dropped_at, skipped",
    {
        "silent for long": ([9.0], 1.8, True),
        "silent, and then a bug": (["deaf", 1.8, KeyError("x")], 1.76, True),
        "silent for a while": ([9.0], 1.7, False),
        "it had begun to speak": (["שלום. ", 9.0], 3.4, False),
    }.values(),
)
def test_g4_an_llm_that_hangs_counts_when_its_turn_ends_first(script, dropped_at, skipped):
    """G3, G4: the turn's deadline or its caller comes before the LLM's own; half the deadline is enough."""
    deaf = ["deaf"] if "deaf" in script else []
    llm = [[*deaf, [step for step in script if step != "deaf"]], [["כן."]]]
    turn = Turn(llm=llm, skip_after=1, first_token_s=9.0)
    turn.worker.generate(REQUEST)
    turn.runtime.call_at(dropped_at, turn.worker.cancel)
    turn.run(5)
    assert skips(turn.context.providers.llm) == (["llm0"] if skipped else [])
    assert turn.llm[1].asked == []


def after_an_outage(turn, chain):
    """The first engine of ``chain`` was skipped, and its time has passed."""
    for _ in range(9):
        Try(chain, 0).failed("down")
    turn.run(40)


def test_g4_an_llm_that_was_dropped_while_it_probed_is_tried_again():
    """G4: a caller who went on has not found out; the next turn does."""
    turn = Turn(llm=[[[9.0]], [["כן."]]])
    llm = turn.context.providers.llm
    after_an_outage(turn, llm)
    turn.worker.generate(REQUEST)
    turn.runtime.call_at(40.3, turn.worker.cancel)
    turn.run(40.2)
    assert len(turn.llm[0].asked) == 1 and llm.skips_first
    turn.run(41)
    assert not llm.skips_first and skips(llm) == []


def test_g4_dropped_turns_that_hold_no_probe_do_not_reopen_a_skipped_llm():
    """G4: however many callers go on while the second mind answers them."""
    turn = Turn(llm=[[["כן."]], [[9.0]]])
    llm = turn.context.providers.llm
    for _ in range(9):
        Try(llm, 0).failed("down")
    for _ in range(20):
        worker = turn.another()
        worker.generate(REQUEST)
        turn.runtime.run_until(turn.runtime.now + 0.1)
        worker.cancel()
    assert (turn.llm[0].asked, len(turn.llm[1].asked)) == ([], 20)
    assert skips(llm) == ["llm0"]


def test_g2_an_llm_there_is_no_time_for_keeps_its_probe():
    """G2, G4: the second mind was due for its try, but the turn was over; the next turn has it."""
    turn = Turn(llm=[[["א", 1.0, "ב", 1.0, ProviderError("down")]], [["כן."]]])
    llm = turn.context.providers.llm
    for _ in range(9):
        Try(llm, 1).failed("down")
    turn.run(40)
    turn.worker.generate(REQUEST)
    assert turn.run(45) == [LlmFailed(7, "llm0: down")]
    assert turn.llm[1].asked == [] and skips(llm) == []


def test_g4_an_llm_that_works_takes_nobodys_probe():
    """G4: the second mind, well again, is there when the first one fails at last."""
    turn = Turn(llm=[[["כן."], ["כן."], [ProviderError("down")]], [["לא."]]])
    llm = turn.context.providers.llm
    for _ in range(9):
        Try(llm, 1).failed("down")
    turn.run(40)
    for _ in range(3):
        turn.another().generate(REQUEST)
        turn.run(turn.runtime.now + 1)
    assert len(turn.llm[1].asked) == 1
    assert turn.posted[-2][1] == ReplySentence(8, "לא.")


def test_g4_a_voice_that_was_dropped_while_it_probed_is_tried_again():
    """G4: a barge-in has not found out; the next sentence does."""
    turn = Turn(tts=[[[9.0]], [[PCM16]]])
    tts = turn.context.providers.tts
    after_an_outage(turn, tts)
    turn.worker.say(0, "שלום")
    turn.runtime.call_at(40.3, turn.worker.cancel)
    turn.run(41)
    assert skips(tts) == []


def test_c2_a_slow_disk_does_not_hold_a_call(tmp_path, monkeypatch):
    """C2: a sentence is voiced, and the next one begun, while the one before it is being written."""
    release = threading.Event()
    write = AudioFiles.write
    monkeypatch.setattr(AudioFiles, "write", lambda *those: release.wait(2) and write(*those))
    turn = Turn(tts=[[[PCM16]]])
    folder = TtsCacheDisk(str(tmp_path), 1_000_000)
    phrases = TtsCache(["ראשון", "שני"], ["tts0"], folder=folder)
    turn.context.providers = replace(turn.context.providers, tts_cache=phrases)
    turn.worker.say(0, "ראשון")
    turn.worker.say(1, "שני")
    assert turn.run(1) == [audio(), VOICED, audio(index=1), TtsSentenceDone(7, 1)]
    assert list(tmp_path.iterdir()) == []
    release.set()
    folder.wait()
    assert {path.stem for path in tmp_path.iterdir()} == {
        audio_key("tts0", text) for text in ("ראשון", "שני")
    }
