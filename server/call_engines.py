"""The engines at work for one call: who is listening, who is thinking and speaking now."""

from collections.abc import Callable

from server.config import Config, own_lines
from server.core.conversation import PhoneCall
from server.core.events import (
    Action,
    AudioMade,
    CloseEars,
    DropEars,
    DropTurn,
    EarsFailed,
    Event,
    FeedEars,
    HearOn,
    HearSoFar,
    OpenEars,
    Say,
    SentenceVoiced,
    Think,
    WordsHeard,
)
from server.engines.base import ReplyRequest
from server.runtime import Runtime, Task
from server.turn_pipeline import Engines
from server.turn_worker import TurnWorker, WorkerParams
from server.utterance_ears import Post, UtteranceEars


class CallEngines:
    """Every method is called with the call's lock held, and never blocks.

    ``post`` hands in an event from another thread, without the lock; ``handle`` one from here, with it.
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

    def drop_all(self) -> list[Task]:
        """The call is over; return the threads that are still ending."""
        for ears in self._ears.values():
            self._drop(ears)
        for worker in self._workers.values():
            self._drop(worker)
        self._ears.clear()
        self._closed.clear()
        self._workers.clear()
        return [task for task in self._tasks if task.is_alive()]

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
            self._post,
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
            person=action.person,
            call=self.call,
            agent=config.agent_persona,
            lines=own_lines(config),
        )
        self._worker(action.turn_id).think(request)

    def _say(self, action: Say) -> None:
        down = self._engines.voices.skips_first
        premade = self._engines.phrases.get(action.text, best_voice_down=down)
        if premade is not None:
            self._handle(AudioMade(action.turn_id, action.index, premade))
            self._handle(SentenceVoiced(action.turn_id, action.index))
        elif not action.instant:
            self._worker(action.turn_id).say(action.index, action.text)

    def _worker(self, turn_id: int) -> TurnWorker:
        if turn_id not in self._workers:
            config = self._config
            params = WorkerParams(
                first_token_s=config.llm_first_token_timeout_ms / 1000,
                first_audio_s=config.tts_timeout_ms / 1000,
                retry_within_s=config.turn_timeout_ms / 2000,
            )
            self._workers[turn_id] = TurnWorker(
                self._runtime, turn_id, self._engines, params, post=self._post, complain=self._complain
            )
        return self._workers[turn_id]
