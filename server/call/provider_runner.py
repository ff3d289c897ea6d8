"""The engines at work for one call: who is listening, who is thinking and speaking now."""

from collections.abc import Callable

from server.call.reply_worker import TurnWorker, WorkerParams
from server.call.stt_session import Post, UtteranceEars
from server.config import Config, own_lines
from server.providers.base import ReplyRequest
from server.runtime.threads import Runtime, Task
from server.turn_pipeline import Engines
from server.turns.actions import (
    Action,
    CloseEars,
    DropEars,
    DropTurn,
    FeedEars,
    HearOn,
    HearSoFar,
    LetFinish,
    OpenEars,
    Say,
    Think,
)
from server.turns.effects import PhoneCall
from server.turns.events import AudioMade, EarsFailed, Event, SentenceVoiced, WordsHeard

AFTER_CALL_S = 6.0  # what a call has left at work goes on for so long behind it


class CallEngines:
    """Every method is called with the call's lock held, and never blocks.

    ``post`` hands in an event from another thread, without the lock; ``handle`` one from here, with it.

    When the call is over, ``end_call`` and then ``hand_over``: what the core still awaits goes on, in other
    hands.
    """

    def __init__(
        self,
        runtime: Runtime,
        config: Config,
        engines: Engines,
        *,
        post: Post,
        handle: Callable[[Event], None],
        complain: Callable[[str], None],
    ) -> None:
        self._runtime = runtime
        self._config = config
        self._engines = engines
        self._post = post
        self._handle = handle
        self._complain = complain
        self.call = PhoneCall()  # until its ``start``
        self._ears: dict[int, UtteranceEars] = {}
        self._closed: set[int] = set()  # utterances that are over and wait for their transcript
        self._workers: dict[int, TurnWorker] = {}
        self._finishing: set[int] = set()  # turns whose mind goes on when the call is over
        self._tasks: list[Task] = []  # of what was dropped, for the end of the call

    def perform(self, action: Action) -> None:
        """Carry out an action of the core that concerns engines."""
        match action:
            case OpenEars(utterance_id):
                self._open_ears(action, utterance_id)
            case FeedEars(utterance_id, audio) if utterance_id in self._ears:
                self._ears[utterance_id].feed(audio)
            case HearSoFar(utterance_id) if utterance_id in self._ears:
                self._ears[utterance_id].hear_so_far()
            case HearOn(utterance_id) if utterance_id in self._ears:
                self._ears[utterance_id].hear_on()
            case CloseEars(utterance_id) if utterance_id in self._ears:
                self._close_ears(utterance_id)
            case DropEars(utterance_id):
                self._drop(self._ears.pop(utterance_id, None))
            case Think():
                self._think(action)
            case Say():
                self._say(action)
            case LetFinish(turn_id) if turn_id in self._workers:
                self._finishing.add(turn_id)
                self._workers[turn_id].let_finish(AFTER_CALL_S)
            case DropTurn(turn_id):
                self._drop(self._workers.pop(turn_id, None))

    def ears_at_work(self, utterance_id: int) -> str:
        """Which recogniser listens to an utterance; empty for none."""
        ears = self._ears.get(utterance_id)
        return ears.at_work if ears is not None else ""

    def ears_done(self, outcome: WordsHeard | EarsFailed) -> None:
        """The core has the transcript, or waits for it no more. Before the end they may hear on (B3)."""
        if outcome.utterance_id not in self._closed:
            return
        self._closed.discard(outcome.utterance_id)
        ears = self._ears.pop(outcome.utterance_id)
        if isinstance(outcome, EarsFailed):
            ears.late()
        self._drop(ears)

    @property
    def listening(self) -> tuple[int, ...]:
        """Utterances that are over and whose transcript is awaited."""
        return tuple(self._closed)

    def end_call(self) -> list[Task]:
        """Drop what nobody awaits behind the end of the call; return the threads that are still ending."""
        for utterance_id in self._ears.keys() - self._closed:
            self._drop(self._ears.pop(utterance_id))
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

    def _drop(self, job: UtteranceEars | TurnWorker | None) -> None:
        if job is not None:
            job.drop()
            self._tasks = [task for task in self._tasks if task.is_alive()] + job.tasks

    def _open_ears(self, action: OpenEars, utterance_id: int) -> None:
        self._ears[utterance_id] = UtteranceEars(
            self._runtime,
            self._engines.ears,
            utterance_id,
            (action.expected, action.turn_number),
            self._tell,
        )

    def _close_ears(self, utterance_id: int) -> None:
        ears = self._ears[utterance_id]
        ears.finish()
        if ears.done:
            self._drop(self._ears.pop(utterance_id))
        else:
            self._closed.add(utterance_id)

    def _think(self, action: Think) -> None:
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

    def _say(self, action: Say) -> None:
        down = self._engines.voices.skips_first
        premade = self._engines.phrases.get(action.text, best_voice_down=down)
        if premade is not None:
            self._handle(AudioMade(action.turn_id, action.index, premade))
            self._handle(SentenceVoiced(action.turn_id, action.index))
        elif not action.instant:
            self._worker(action.turn_id).say(action.index, action.text)

    def _worker(self, turn_id: int, *, patient: bool = False) -> TurnWorker:
        if turn_id not in self._workers:
            config = self._config
            params = WorkerParams(
                first_token_s=AFTER_CALL_S if patient else config.llm_first_token_timeout_ms / 1000,
                first_audio_s=config.tts_timeout_ms / 1000,
                retry_within_s=config.turn_timeout_ms / 2000,
            )
            self._workers[turn_id] = TurnWorker(
                self._runtime, turn_id, self._engines, params, post=self._tell, complain=self._complain
            )
        return self._workers[turn_id]
