"""Responses of a realtime session: a text is read, its transcript and its audio come in pieces."""

import audioop
import base64
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from server.audio.frames import pcm16_to_mulaw
from tests.cloud.openai_realtime import Voiced
from tests.cloud.openai_realtime_events import FORMATS, SAMPLE_BYTES, Wrong, at, named, text_of
from tests.cloud.watch import Exchange, Fault

if TYPE_CHECKING:
    from tests.cloud.openai_realtime_session import Served

CHUNK_MS = 100
SWAPPED = {"audio/pcmu": "audio/pcm", "audio/pcma": "audio/pcm", "audio/pcm": "audio/pcmu"}
FAILURES = {Fault.TOO_MANY: "rate_limit_exceeded", Fault.UNAVAILABLE: "server_error"}
Step = tuple[str, dict[str, Any]]


def reworded(text: str) -> str:
    """Fault.REWORDED: the word in the middle is another."""
    words = text.split()
    return " ".join([*words[: len(words) // 2], "אולי", *words[len(words) // 2 + 1 :]])


class Reply:
    """One response while it is spoken."""

    def __init__(self, served: "Served", asked: dict[str, Any]) -> None:
        self.id, self.item_id = named("resp"), named("item")
        self.out_of_band = asked.get("conversation") == "none"
        self.metadata = asked.get("metadata")
        self.voiced = Voiced(served.session, asked, text_of(asked))
        self.output = {
            **(at(served.session.config, "audio.output") or {}),
            **(at(asked, "audio.output") or {}),
        }
        self._stack = ExitStack()
        self.exchange: Exchange = self._stack.enter_context(served.realtime.tts.exchange(self.voiced))
        text = served.realtime.spoken_as(self.voiced.text)
        self.said = reworded(text) if self.exchange.fault is Fault.REWORDED else text
        if self.exchange.fault is Fault.OTHER_FORMAT:
            other = SWAPPED[self.output["format"]["type"]]
            self.output["format"] = {"type": other} | ({"rate": 24_000} if other == "audio/pcm" else {})

    @property
    def audio_format(self) -> str:
        form: str = self.output["format"]["type"]
        return form

    def end(self) -> None:
        self._stack.close()

    def shown(self, status: str, **details: Any) -> dict[str, Any]:
        """The response as its first and last event show it."""
        parts = [{"type": "output_audio", "transcript": self.voiced.said}]
        item: dict[str, Any] = {"id": self.item_id, "object": "realtime.item"}
        item |= {"type": "message", "role": "assistant"}
        item |= {"status": "completed" if status == "completed" else "incomplete", "content": parts}
        return {
            **{"id": self.id, "object": "realtime.response", "status": status},
            "status_details": None if status == "in_progress" else {"type": status, **details},
            "output": [item] if self.voiced.said else [],
            "conversation_id": None if self.out_of_band else "conv_1",
            "metadata": self.metadata,
            "output_modalities": ["audio"],
            "audio": {"output": self.output},
            "max_output_tokens": self.voiced.response.get("max_output_tokens", "inf"),
        }


class Speaking:
    def __init__(self, served: "Served") -> None:
        self._served = served
        self._replies: dict[str, Reply] = {}  # those under way
        self._voice: Any = None  # of the audio so far: a session keeps one

    def create(self, asked: dict[str, Any]) -> None:
        active = [reply for reply in self._replies.values() if not reply.out_of_band]
        if active and asked.get("conversation") != "none":
            message = f"Conversation already has an active response in progress: {active[0].id}."
            raise Wrong("conversation_already_has_active_response", message)
        voice = at(asked, "audio.output.voice")
        if voice and self._voice and voice != self._voice:
            message = "Cannot update a conversation's voice if assistant audio is present."
            raise Wrong("cannot_update_voice", message, "response.audio.output.voice")
        reply = Reply(self._served, asked)
        if reply.exchange.fault is Fault.REFUSED:
            self._served.wire.reset()
        elif reply.exchange.fault is Fault.GARBAGE:
            self._served.say_garbage()
        self._replies[reply.id] = reply
        if reply.exchange.fault not in (Fault.REFUSED, Fault.GARBAGE):
            self._begin(reply)

    def cancel(self, response_id: str | None) -> None:
        """Without an identifier: the default conversation's, as the SDK's types say."""
        for reply in list(self._replies.values()):
            if reply.id == response_id or (response_id is None and not reply.out_of_band):
                reply.voiced.cancelled = True
                self._done(reply, "cancelled", reason="client_cancelled")
                return
        raise Wrong("response_cancel_not_active", "Cancellation failed: no active response found")

    def end(self) -> None:
        for reply in self._replies.values():
            reply.exchange.dropped_at = time.time()
            reply.end()

    # ---- inside ----

    def _begin(self, reply: Reply) -> None:
        served, fault = self._served, reply.exchange.fault
        served.say("response.created", response=reply.shown("in_progress"))
        limit = {"name": "tokens", "limit": 40_000, "remaining": 39_000, "reset_seconds": 1.5}
        served.say("rate_limits.updated", rate_limits=[limit])
        if fault is Fault.HUNG_BEFORE_HEADERS:
            return
        if fault in FAILURES:
            code = FAILURES[fault]
            self._done(reply, "failed", error={"type": code, "code": code, "message": fault.value})
            return
        delays = served.realtime.tts.delays
        steps = self._steps(reply)
        served.wire.after(
            delays.slow_s if fault is Fault.SLOW else delays.first_s, lambda: self._step(reply, steps)
        )

    def _step(self, reply: Reply, steps: Iterator[Step]) -> None:
        """Say the next event, and what comes with it, and plan the one after."""
        if reply.id not in self._replies:
            return
        type, fields = next(steps, ("", {}))
        if not type:
            self._done(reply, "completed")
            return
        self._served.say(type, response_id=reply.id, output_index=0, **fields)
        audio = type == "response.output_audio.delta"
        if audio:
            reply.exchange.sent += 1
            self._voice = reply.output.get("voice")
            if self._fails_midway(reply):
                return
        wait = self._served.realtime.tts.delays.between_s if audio else 0.0
        self._served.wire.after(wait, lambda: self._step(reply, steps))

    def _fails_midway(self, reply: Reply) -> bool:
        fault = reply.exchange.fault
        if fault is Fault.CUT_MID_STREAM:
            self._served.wire.reset()
        elif fault is Fault.EXPIRED:
            self._served.expire()
        return fault in (Fault.HUNG_MID_STREAM, Fault.CUT_MID_STREAM, Fault.EXPIRED)

    def _steps(self, reply: Reply) -> Iterator[Step]:
        item = {"id": reply.item_id, "object": "realtime.item", "type": "message", "role": "assistant"}
        yield "response.output_item.added", {"item": {**item, "status": "in_progress", "content": []}}
        place = {"item_id": reply.item_id, "content_index": 0}
        if reply.exchange.fault is not Fault.EMPTY:
            yield "response.content_part.added", {**place, "part": {"type": "audio", "transcript": ""}}
            yield from self._spoken(reply, place)
            part = {"type": "audio", "transcript": reply.voiced.said}
            yield "response.content_part.done", {**place, "part": part}
        parts = [{"type": "output_audio", "transcript": reply.voiced.said}] if reply.voiced.said else []
        yield "response.output_item.done", {"item": {**item, "status": "completed", "content": parts}}

    def _spoken(self, reply: Reply, place: dict[str, Any]) -> Iterator[Step]:
        """The transcript runs ahead of the audio, as the vendor's does; no page promises an order."""
        pieces = [word if not n else f" {word}" for n, word in enumerate(reply.said.split())]
        chunks = self._chunks(reply)
        for number in range(max(len(pieces), len(chunks))):
            if number < len(pieces):
                reply.voiced.said += pieces[number]
                yield "response.output_audio_transcript.delta", {**place, "delta": pieces[number]}
            if number < len(chunks):
                delta = base64.b64encode(chunks[number]).decode()
                yield "response.output_audio.delta", {**place, "delta": delta}
        yield "response.output_audio.done", place
        yield "response.output_audio_transcript.done", {**place, "transcript": reply.voiced.said}

    def _chunks(self, reply: Reply) -> list[bytes]:
        audio, form = self._served.realtime.says(reply.said), reply.audio_format
        if form != "audio/pcm":
            pcm16_8k = audioop.ratecv(audio, 2, 1, 24_000, 8000, None)[0]
            audio = pcm16_to_mulaw(pcm16_8k) if form == "audio/pcmu" else audioop.lin2alaw(pcm16_8k, 2)
        size = FORMATS[form] * SAMPLE_BYTES[form] * CHUNK_MS // 1000
        return [audio[start : start + size] for start in range(0, len(audio), size)]

    def _done(self, reply: Reply, status: str, **details: Any) -> None:
        self._replies.pop(reply.id)
        self._served.say("response.done", response=reply.shown(status, **details))
        reply.end()
