"""The engines at work for one call: who is listening, who is thinking and speaking now."""

from collections.abc import Callable

from server.call.reply_worker import ReplyWorker, WorkerParams
from server.call.stt_session import Post, SttSession
from server.config import Config, own_lines
from server.providers.base import ReplyRequest
from server.runtime.threads import Runtime, Task
from server.turn_pipeline import Providers
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
from server.turns.effects import PhoneCall
from server.turns.events import Event, FinalTranscript, SttFailed, TtsAudio, TtsSentenceDone

AFTER_CALL_S = 6.0  # what a call has left at work goes on for so long behind it


class ProviderRunner:
    """Every method is called with the call's lock held, and never blocks.

    ``post`` hands in an event from another thread, without the lock; ``handle`` one from here, with it.

    When the call is over, ``end_call`` and then ``hand_over``: what the core still awaits goes on, in other
    hands.
    """

    def __init__(
        self,
        runtime: Runtime,
        config: Config,
        providers: Providers,
        *,
        post: Post,
        handle: Callable[[Event], None],
        complain: Callable[[str], None],
    ) -> None:
        self._runtime = runtime
        self._config = config
        self._providers = providers
        self._post = post
        self._handle = handle
        self._complain = complain
        self.call = PhoneCall()  # until its ``start``
        self._stt: dict[int, SttSession] = {}
        self._closed: set[int] = set()  # utterances that are over and wait for their transcript
        self._workers: dict[int, ReplyWorker] = {}
        self._finishing: set[int] = set()  # turns whose LLM goes on when the call is over
        self._tasks: list[Task] = []  # of what was dropped, for the end of the call

    def perform(self, action: Action) -> None:
        """Carry out an action of the core that concerns engines."""
        match action:
            case StartRecognition(utterance_id):
                self._open_stt(action, utterance_id)
            case FeedRecognition(utterance_id, audio) if utterance_id in self._stt:
                self._stt[utterance_id].feed(audio)
            case FlushRecognition(utterance_id) if utterance_id in self._stt:
                self._stt[utterance_id].hear_so_far()
            case ResumeRecognition(utterance_id) if utterance_id in self._stt:
                self._stt[utterance_id].hear_on()
            case FinishRecognition(utterance_id) if utterance_id in self._stt:
                self._close_stt(utterance_id)
            case CancelRecognition(utterance_id):
                self._drop(self._stt.pop(utterance_id, None))
            case GenerateReply():
                self._think(action)
            case Synthesize():
                self._say(action)
            case LetLlmFinish(turn_id) if turn_id in self._workers:
                self._finishing.add(turn_id)
                self._workers[turn_id].let_finish(AFTER_CALL_S)
            case CancelTurn(turn_id):
                self._drop(self._workers.pop(turn_id, None))

    def stt_at_work(self, utterance_id: int) -> str:
        """Which recogniser listens to an utterance; empty for none."""
        stt = self._stt.get(utterance_id)
        return stt.at_work if stt is not None else ""

    def stt_done(self, outcome: FinalTranscript | SttFailed) -> None:
        """The core has the transcript, or waits for it no more. Before the end they may hear on (B3)."""
        if outcome.utterance_id not in self._closed:
            return
        self._closed.discard(outcome.utterance_id)
        stt = self._stt.pop(outcome.utterance_id)
        if isinstance(outcome, SttFailed):
            stt.late()
        self._drop(stt)

    @property
    def listening(self) -> tuple[int, ...]:
        """Utterances that are over and whose transcript is awaited."""
        return tuple(self._closed)

    def end_call(self) -> list[Task]:
        """Drop what nobody awaits behind the end of the call; return the threads that are still ending."""
        for utterance_id in self._stt.keys() - self._closed:
            self._drop(self._stt.pop(utterance_id))
        for turn_id in self._workers.keys() - self._finishing:
            self._drop(self._workers.pop(turn_id))
        return [task for task in self._tasks if task.is_alive()]

    def hand_over(self, post: Post, handle: Callable[[Event], None]) -> None:
        """From now on it is for another to decide."""
        self._post, self._handle = post, handle

    def drop_all(self) -> list[Task]:
        """Nothing is awaited any more; return the threads that are still ending."""
        self._closed.clear()
        self._finishing.clear()
        return self.end_call()

    def _tell(self, event: Event, wanted: Callable[[], bool] | None = None) -> None:
        self._post(event, wanted)

    def _drop(self, job: SttSession | ReplyWorker | None) -> None:
        if job is not None:
            job.drop()
            self._tasks = [task for task in self._tasks if task.is_alive()] + job.tasks

    def _open_stt(self, action: StartRecognition, utterance_id: int) -> None:
        self._stt[utterance_id] = SttSession(
            self._runtime,
            self._providers.stt,
            utterance_id,
            (action.expected, action.turn_number),
            self._tell,
        )

    def _close_stt(self, utterance_id: int) -> None:
        stt = self._stt[utterance_id]
        stt.finish()
        if stt.done:
            self._drop(self._stt.pop(utterance_id))
        else:
            self._closed.add(utterance_id)

    def _think(self, action: GenerateReply) -> None:
        config = self._config
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
            call=self.call,
            agent=config.agent_persona,
            lines=own_lines(config),
        )
        if action.gone:
            self._finishing.add(action.turn_id)
        self._worker(action.turn_id, patient=action.gone).think(request)

    def _say(self, action: Synthesize) -> None:
        down = self._providers.tts.skips_first
        premade = self._providers.tts_cache.get(action.text, best_voice_down=down)
        if premade is not None:
            self._handle(TtsAudio(action.turn_id, action.index, premade))
            self._handle(TtsSentenceDone(action.turn_id, action.index))
        elif not action.instant:
            self._worker(action.turn_id).say(action.index, action.text)

    def _worker(self, turn_id: int, *, patient: bool = False) -> ReplyWorker:
        if turn_id not in self._workers:
            config = self._config
            params = WorkerParams(
                first_token_s=AFTER_CALL_S if patient else config.llm_first_token_timeout_ms / 1000,
                first_audio_s=config.tts_timeout_ms / 1000,
                retry_within_s=config.turn_timeout_ms / 2000,
            )
            self._workers[turn_id] = ReplyWorker(
                self._runtime, turn_id, self._providers, params, post=self._tell, complain=self._complain
            )
        return self._workers[turn_id]
