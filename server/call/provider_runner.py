"""The providers at work for one call: which STT sessions and reply workers there are, and what they do."""

from server.audio.frames import FRAME_MS, whole_frames
from server.call.context import CallContext
from server.call.reply_worker import ReplyWorker
from server.call.stt_session import Post, SttSession
from server.config import own_lines
from server.providers.base import ReplyRequest
from server.providers.registry import asr_timeout_ms
from server.runtime.threads import Task
from server.telephony.timers import Timers
from server.turns.actions import (
    Action,
    CancelRecognition,
    CancelTurn,
    FeedRecognition,
    FinishRecognition,
    FlushRecognition,
    GenerateReply,
    LetLlmFinish,
    ResumeRecognition,
    StartRecognition,
    Synthesize,
)
from server.turns.events import Event, FinalTranscript, SttFailed, TtsAudio, TtsSentenceDone

AFTER_CALL_S = 6.0  # what a call has left at work goes on for so long behind it
MIN_TRANSCRIPT_MS = 100  # for the transcript after the end of turn, however long the closing silence was


class ProviderRunner:
    """Every method is called with the call's lock held, and never blocks.

    ``post`` hands the core an event from another thread, without the lock.
    """

    def __init__(self, context: CallContext, timers: Timers, post: Post) -> None:
        self._context = context
        self._timers = timers
        self._post = post
        self._stt: dict[int, SttSession] = {}
        self._finished: set[int] = set()  # utterances that are over and wait for their transcript
        self._workers: dict[int, ReplyWorker] = {}
        self._finishing: set[int] = set()  # turns whose LLM goes on when the call is over
        self._tasks: list[Task] = []  # of what was cancelled, for the end of the call

    def perform(self, action: Action) -> list[Event]:
        """Carry out an action that concerns providers; return what is known at once."""
        match action:
            case FeedRecognition(utterance_id, audio) if utterance_id in self._stt:
                self._stt[utterance_id].feed(audio)
            case StartRecognition():
                self._start_recognition(action)
            case FlushRecognition(utterance_id) if utterance_id in self._stt:
                self._stt[utterance_id].flush()
            case ResumeRecognition(utterance_id) if utterance_id in self._stt:
                self._stt[utterance_id].resume()
            case FinishRecognition(utterance_id, silence_frames):
                self._finish_recognition(utterance_id, silence_frames)
            case CancelRecognition(utterance_id):
                self._cancel(self._stt.pop(utterance_id, None))
            case GenerateReply():
                self._generate(action)
            case Synthesize():
                return self._synthesize(action)
            case LetLlmFinish(turn_id) if turn_id in self._workers:
                self._finishing.add(turn_id)
                self._workers[turn_id].let_finish(AFTER_CALL_S)
            case CancelTurn(turn_id):
                self._cancel(self._workers.pop(turn_id, None))
        return []

    def transcribed(self, outcome: FinalTranscript | SttFailed) -> None:
        """The core has the transcript, or waits for it no longer.

        One that came at a pause closes nothing: the utterance may go on (B3).
        """
        if outcome.utterance_id not in self._finished:
            return
        self._finished.discard(outcome.utterance_id)
        stt = self._stt.pop(outcome.utterance_id)
        if isinstance(outcome, SttFailed):
            stt.late()
        self._cancel(stt)

    @property
    def awaited(self) -> tuple[int, ...]:
        """Utterances that are over and whose transcript is awaited."""
        return tuple(self._finished)

    def end_call(self) -> list[Task]:
        """Cancel what nobody awaits behind the end of the call; return the threads that are still ending."""
        for utterance_id in self._stt.keys() - self._finished:
            self._cancel(self._stt.pop(utterance_id))
        for turn_id in self._workers.keys() - self._finishing:
            self._cancel(self._workers.pop(turn_id))
        return [task for task in self._tasks if task.is_alive()]

    def cancel_all(self) -> list[Task]:
        """Nothing is awaited any more; return the threads that are still ending."""
        self._finished.clear()
        self._finishing.clear()
        return self.end_call()

    def _cancel(self, job: SttSession | ReplyWorker | None) -> None:
        if job is not None:
            job.cancel()
            self._tasks = [task for task in self._tasks if task.is_alive()] + job.tasks

    def _start_recognition(self, action: StartRecognition) -> None:
        context = self._context
        self._stt[action.utterance_id] = SttSession(
            context.runtime,
            context.providers.stt,
            action.utterance_id,
            (action.expected, action.turn_number),
            self._post,
            context.observers.asked,
        )

    def _finish_recognition(self, utterance_id: int, silence_frames: int) -> None:
        stt = self._stt.get(utterance_id)
        timeout_ms = asr_timeout_ms(self._context.config, stt.at_work if stt is not None else "")
        late = SttFailed(utterance_id, f"no transcript within {timeout_ms:.0f} ms")
        self._timers.start(max(MIN_TRANSCRIPT_MS, timeout_ms - silence_frames * FRAME_MS) / 1000, late)
        if stt is None:
            return
        stt.finish()
        if stt.done:
            self._cancel(self._stt.pop(utterance_id))
        else:
            self._finished.add(utterance_id)

    def _generate(self, action: GenerateReply) -> None:
        config = self._context.config
        request = ReplyRequest(
            text=action.text,
            history=action.history,
            turn_number=action.turn_number,
            target_style=config.llm_target_style,
            min_chars=config.llm_min_chars,
            max_chars=config.llm_max_chars,
            said=action.said,
            may_wait=action.may_wait,
            may_listen=action.may_listen,
            caller=action.caller,
            gone=action.gone,
            person=action.person,
            call=self._context.call,
            agent=config.agent_persona,
            lines=own_lines(config),
        )
        if action.gone:
            self._finishing.add(action.turn_id)
        self._worker(action.turn_id, first_token_s=AFTER_CALL_S if action.gone else None).generate(request)

    def _synthesize(self, action: Synthesize) -> list[Event]:
        """What is in the cache is there at once; the rest is voiced by the turn's worker."""
        providers = self._context.providers
        premade = providers.tts_cache.get(action.text, best_voice_down=providers.tts.skips_first)
        if premade is not None:
            return [
                TtsAudio(action.turn_id, action.index, whole_frames(premade)),
                TtsSentenceDone(action.turn_id, action.index),
            ]
        if not action.instant:
            self._worker(action.turn_id).say(action.index, action.text)
        return []

    def _worker(self, turn_id: int, *, first_token_s: float | None = None) -> ReplyWorker:
        if turn_id not in self._workers:
            self._workers[turn_id] = ReplyWorker(
                self._context, turn_id, self._post, first_token_s=first_token_s
            )
        return self._workers[turn_id]
