"""One streaming call to Google's recogniser, for an utterance or for the rest of one."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from server.audio.frames import SAMPLE_RATE_HZ
from server.providers.base import Transcript
from server.providers.google.api_versions import Dialect, Variant
from server.providers.google.client import Connection
from server.providers.google.request_variants import is_hebrew
from server.providers.streaming.utterance_audio import UtteranceAudio


@dataclass(frozen=True)
class StreamLimits:
    """Seconds. ``roll_over_s``: of audio, which comes in real time; Google ends a stream after five minutes.

    ``worked_s``: a stream that ended sooner, without a final result, is not tried again.
    """

    roll_over_s: float = 240.0
    worked_s: float = 1.0


@dataclass(frozen=True)
class Ended:
    """How a call ended, in gRPC's terms. ``code``: a ``grpc.StatusCode``."""

    code: Any
    details: str = ""


class StreamingCall:
    """One thread reads; any thread may ``stop``. Positions are those of UtteranceAudio."""

    def __init__(self, dialect: Dialect, audio: UtteranceAudio, begin: int, limits: StreamLimits) -> None:
        self._dialect = dialect
        self._audio = audio
        self._begin = begin
        self._end = begin + int(limits.roll_over_s * SAMPLE_RATE_HZ)
        self._worked_s = limits.worked_s
        self._began_at = time.monotonic()
        self._call: Any = None  # set by the reader, read by ``stop``
        self._stopped = False
        self._sent = begin  # written by gRPC's thread, like ``_half_closed``
        self._half_closed = False
        self.answered = False
        self.settled = begin  # the transcript up to this position is final

    def read(
        self, connection: Connection, variant: Variant, timeout_s: float
    ) -> Generator[Transcript, None, Ended]:
        """Blocks for transcripts and returns how the call ended. Raises no gRPC error."""
        import grpc

        requests = self._requests(self._dialect.opening(connection, variant))
        if self._stopped:
            return Ended(grpc.StatusCode.CANCELLED)
        # No lock: ``stop`` either finds the call, or the check after the assignment finds ``_stopped``.
        self._call = connection.transport.streaming_recognize(requests, timeout=timeout_s)
        if self._stopped:
            self._call.cancel()
        try:
            for response in self._call:
                error = getattr(response, "error", None)  # API version 1 reports some errors this way
                if error is not None and error.code:
                    return Ended(_status(error.code), error.message)
                self.answered = True
                yield from self._transcripts(response)
        except grpc.RpcError as error:
            return Ended(error.code(), error.details() or "")
        return Ended(grpc.StatusCode.OK)

    def stop(self) -> None:
        """Ends the call and the thread that feeds it. Idempotent, never blocks."""
        self._stopped = True
        self._audio.wake()
        if self._call is not None:
            self._call.cancel()

    def refused(self, ended: Ended) -> bool:
        """Whether Google refused the variant."""
        import grpc

        return ended.code == grpc.StatusCode.INVALID_ARGUMENT and not self.answered

    def heard_all(self, ended: Ended) -> bool:
        """Whether the utterance has been recognised to its end."""
        import grpc

        if not self._half_closed or self._sent == self._end:  # Google ended the stream, or it rolls over
            return False
        return ended.code == grpc.StatusCode.OK or self._sent == self._begin

    def resume_position(self, ended: Ended) -> int | None:
        """The position at which another call must begin; None if another call would not help."""
        import grpc

        status = grpc.StatusCode
        if ended.code == status.OK and self._half_closed:
            return self._sent
        # Errors of a service that was reached, and errors of any service that goes away.
        by_rule = ended.code in (status.OK, status.OUT_OF_RANGE, status.ABORTED)
        by_breaking = ended.code in (status.UNAVAILABLE, status.INTERNAL, status.CANCELLED)
        lived = time.monotonic() - self._began_at >= self._worked_s
        worked = self.settled > self._begin or (lived and (by_rule or self.answered))
        return self.settled if worked and (by_rule or by_breaking) else None

    def _requests(self, opening: Any) -> Iterator[Any]:
        """The requests, pulled by gRPC's thread. Must not raise: the call would end as a bare UNKNOWN."""
        yield opening
        while self._sent < self._end:
            audio = self._audio.take(self._sent, self._end - self._sent, lambda: not self._stopped)
            if not audio:
                break
            self._sent += len(audio)
            yield self._dialect.audio(audio)
        self._half_closed = not self._stopped
        if self._sent == self._begin:
            self.stop()  # no audio at all: there is no answer to wait for

    def _transcripts(self, response: Any) -> Iterator[Transcript]:
        interims = []
        for result in response.results:
            if result.is_final:
                self._settle(self._dialect.end_s(result))
                if result.alternatives:
                    yield transcript_of(result)
            elif result.alternatives and is_hebrew(result.language_code):
                interims.append(result.alternatives[0].transcript.strip())
        if interim := " ".join(filter(None, interims)):
            yield Transcript(interim, is_final=False)

    def _settle(self, end_s: float | None) -> None:
        end = self._sent if end_s is None else self._begin + round(end_s * SAMPLE_RATE_HZ)
        self.settled = max(self.settled, min(end, self._sent))
        self._audio.forget(self.settled)


def transcript_of(result: Any) -> Transcript:
    """The transcript of a final result, of either API version, with at least one alternative."""
    best = result.alternatives[0]
    # Words in another language count as not understood (E1). Google gives 0 for an unknown confidence.
    confidence = (best.confidence or None) if is_hebrew(result.language_code) else 0.0
    return Transcript(best.transcript.strip(), confidence)


def _status(code: int) -> Any:
    import grpc

    return next((known for known in grpc.StatusCode if known.value[0] == code), grpc.StatusCode.UNKNOWN)
