"""The only path of a reply to the TTS, whoever wrote it: an LLM, a script or a host function (E5)."""

import time
from collections.abc import Callable, Generator, Iterator

from server.logs.events import log
from server.providers.base import Llm, ProviderError, ReplyCut, ReplyRequest, ReplyWithTools
from server.providers.reply.acts import act_of, function_named, functions_told_of, merged
from server.providers.reply.constructs import Mark
from server.providers.reply.doubt import Doubt
from server.providers.reply.plain_words import ELLIPSIS, Sentences
from server.providers.reply.scanner import Scanner, Token
from server.providers.reply.shape import shaped
from server.providers.reply.written import WrittenCall
from server.turns.effects import NOTHING_TO_SAY, Act, EndCall, Expected, Speaker, Transfer, ends_call
from server.turns.prompts import to_caller

SENTENCE_CHARS = 80  # a rest may always be this long, so that the LLM can finish its sentence
SOON_S = 0.8  # shorter than any wait for a token
READ_ON_CHARS = 120  # of text behind the spoken part, where function calls may still come
MAX_CALLS = 8  # written as text in one reply; more means that the model has gone astray


class SpokenReply:
    """A reply as it is spoken: an iterator of sentences. After the last, ``acts`` and ``expected`` are valid.

    ``whole``, valid then too: the reply came to its own end, and ``acts`` is complete.

    Yields sentences as they become whole, and ``""`` for every sign that the provider is at work: deadlines
    count from there. Apart from timing, the result does not depend on how the text was cut into pieces.

    Reasoning, markup, JSON, calls and half sentences are never spoken. Calls written as text become ``acts``
    like real ones, each once, unless the caller has said the function's name. A reply that only acts gets a
    prompt. An ``authored`` reply keeps its length and questions. Raises ProviderError: the provider's, or one
    for an empty answer.

    Best effort: an end mark of reasoning without a beginning drops only the text that was not yet yielded,
    namely the sentences that ``doubt`` holds and an incomplete last one.
    """

    def __init__(self, llm: Llm, request: ReplyRequest, timeout_s: float) -> None:
        """Starts the reply. Raises the errors of ``llm.respond``."""
        self.expected = Expected()
        self.acts: tuple[Act, ...] = ()
        self.whole = True
        self._llm = llm
        self._request = request
        by_caller = (line.text for line in request.history if line.speaker is Speaker.CALLER)
        self._told_of = functions_told_of("\n".join((*by_caller, request.text)))
        self._stream = llm.respond(request, timeout_s)
        self._tools = self._stream if isinstance(self._stream, ReplyWithTools) else None
        self._cancelled = False
        self._hushed = request.gone
        self._said = False

    def cancel(self) -> None:
        """Cancels the provider's stream, like ReplyStream.cancel."""
        self._cancelled = True
        self._stream.cancel()

    def hush(self) -> None:
        """The caller no longer hears the reply: read on for its acts only. Any thread."""
        self._hushed = True

    def __iter__(self) -> Iterator[str]:
        text = _Text(iter(self._stream), self._request.agent, self._acting)
        try:
            if not self._hushed:
                yield from self._sentences(text, lambda: self._ends(text))
            yield from self._read_on(text)
            if self._cancelled:
                return
            may_wait = self._request.may_wait or self._request.may_listen
            waits = not self._said and text.ellipsis and may_wait
            acts = () if waits else self._acts(text.calls)
            self.whole = self.whole and text.broken is None
            if not self._said and (waits or not self._hushed):
                yield from self._wordless(text, acts, waits)
        finally:
            text.close()  # the rest of the LLM's text is neither read nor paid for
        if self._cancelled:
            return
        self.acts, self.expected = acts, self._stream.expected
        self._complain(text.calls)

    # ---- its words ----

    def _sentences(self, text: "_Text", ends: Callable[[], bool]) -> Iterator[str]:
        sentences = text.sentences(authored=self._llm.authored)
        if not self._llm.authored:
            least, most = still_to_say(self._request)
            question = to_caller(self._request.lines.added_question, self._request.caller)
            sentences = shaped(sentences, least, most, heard=self._request.text, question=question, ends=ends)
        for sentence in sentences:
            if self._cancelled:
                return
            said = "" if isinstance(sentence, Mark) else sentence
            self._said = self._said or any(map(str.isalnum, said))
            yield said

    def _wordless(self, text: "_Text", acts: tuple[Act, ...], waits: bool) -> Iterator[str]:
        """The prompt for a reply without words. Raises ProviderError if the reply did nothing either."""
        if self._llm.authored:
            return
        if waits:
            yield NOTHING_TO_SAY
        elif EndCall() in acts:
            yield from self._line(self._request.lines.wordless_goodbye)
        elif Transfer() in acts:  # without a person to transfer to, the turn logic says so itself
            yield from self._line(self._request.lines.wordless_hand_over) if self._request.person else ()
        elif acts:
            yield from self._noted(acts)
        elif not self._request.said:  # a resumed reply may have nothing left to say
            raise text.broken or ProviderError("the answer is empty", retryable=True)

    def _noted(self, acts: tuple[Act, ...]) -> Iterator[str]:
        """Asks the LLM for words after it only saved details. The details are saved whatever comes of it."""
        if self._tools is not None:
            text = _Text(self._tools.words_after(acts), self._request.agent, lambda: False)
            try:
                for sentence in self._sentences(text, lambda: False):
                    if self._hushed:
                        return
                    yield sentence
            except ProviderError as error:
                log.warning(f"LLM_ERR {self._llm.name}: no words after a note:", cause=str(error))
            finally:
                text.close()
        if not self._said and not self._cancelled:
            yield from self._line(self._request.lines.wordless_noted)

    def _line(self, line: str) -> Iterator[str]:
        """``line``, unless this is the rest of a reply that was partly heard."""
        if not self._request.said:
            yield to_caller(line, self._request.caller)

    # ---- what it does ----

    def _acting(self) -> bool:
        return self._tools is not None and self._tools.acting

    def _acts(self, calls: list[WrittenCall]) -> tuple[Act, ...]:
        """The acts of written and real calls, each once."""
        written = (self._act_of(call) for call in calls)
        return merged([*(act for act in written if act is not None), *self._stream.acts])

    def _act_of(self, call: WrittenCall) -> Act | None:
        """The effect of a written call; None if the caller has said its name, for the LLM may be quoting.

        Real calls do not come through here: a model that means to act can use them.
        """
        if function_named(call.name) in self._told_of:
            return None
        return act_of(call.name, call.arguments, person=self._request.person)

    def _ends(self, text: "_Text") -> bool:
        """Whether the reply ends the call. Waits at most SOON_S for the LLM to say so. Blocks."""
        until = time.monotonic() + SOON_S
        while not self._ends_call(text) and time.monotonic() < until and next(text.tokens, None) is not None:
            pass
        return self._ends_call(text)

    def _ends_call(self, text: "_Text") -> bool:
        return any(map(ends_call, self._acts(text.calls)))

    def _read_on(self, text: "_Text") -> Iterator[str]:
        """Reads a little more, unspoken: an LLM calls its functions behind its words."""
        if self._tools is not None and not self._hushed:
            self._tools.enough()
        unsaid = 0
        try:
            for token in text.tokens:
                unsaid += len(token) if isinstance(token, str) else 0
                if unsaid > READ_ON_CHARS and not self._hushed:
                    self.whole = False
                    return
                yield ""
        except ProviderError:
            if not self._said:
                raise
            self.whole = False  # the spoken part is complete

    def _complain(self, calls: list[WrittenCall]) -> None:
        """Logs calls written as text: they show that a model, or its server, is set up wrongly."""
        for call in calls:
            does = self._act_of(call) is not None
            done = (
                "done like a real call"
                if does
                else "unknown, without details, or a word of the caller: ignored"
            )
            written = f"a call of {call.name[:40]!r} written as text: {done}"
            log.warning(f"LLM_ERR {self._llm.name}:", cause=written)


class _Text:
    """One text of a provider, read once: its sentences, its calls, and how it ended."""

    def __init__(self, pieces: Iterator[str], agent: str, acting: Callable[[], bool]) -> None:
        self.calls: list[WrittenCall] = []
        self.ellipsis = False  # three dots were written
        self.broken: ReplyCut | None = None
        self.tokens = self._read(pieces)  # text, and ``""`` for every piece; ``_read_on`` reads here too
        self._pieces = pieces
        self._acting = acting
        self._scanner = Scanner(agent)

    def close(self) -> None:
        self.tokens.close()
        if isinstance(self._pieces, Generator):
            self._pieces.close()

    def sentences(self, *, authored: bool) -> Iterator[str | Mark]:
        """Sentences, ``""`` for a token that completes none, and FORGET to drop the waiting ones."""
        sentences, doubt = Sentences(authored=authored), Doubt(authored)
        for token in self.tokens:
            if token is Mark.FORGET:
                sentences.forget()
                doubt.forget()
                yield token
            elif token is Mark.OVER:
                break
            elif isinstance(token, str):
                yield from doubt.cleared(sentences.feed(token)) or [""]
        yield from doubt.cleared(sentences.flush(whole=self.broken is None)) + doubt.flush()

    def _read(self, pieces: Iterator[str]) -> Generator[str | Mark, None, None]:
        words_over = False
        try:
            for piece in pieces:
                yield from self._sorted(self._scanner.feed(piece))
                yield ""
                if not words_over and self._acting():
                    yield from self._sorted(self._scanner.flush())
                    words_over = self._scanner.spoke
                    if words_over:  # function calls follow: the words do not wait for them
                        yield Mark.OVER
        except ReplyCut as broken:
            self.broken = broken
        yield from self._sorted(self._scanner.flush())

    def _sorted(self, tokens: Iterator[Token]) -> Iterator[str | Mark]:
        for token in tokens:
            if isinstance(token, WrittenCall):
                self.calls += [token] if len(self.calls) < MAX_CALLS and token not in self.calls else []
            else:
                self.ellipsis = self.ellipsis or (isinstance(token, str) and bool(ELLIPSIS.search(token)))
                yield token


def still_to_say(request: ReplyRequest) -> tuple[int, int]:
    """The minimum and maximum characters of the rest (E5); minimum 0: no question is added."""
    if not request.said:
        return request.min_chars, request.max_chars
    left = request.max_chars - len(request.said)
    asked = request.said.rstrip().endswith("?")
    least = 0 if asked or not request.min_chars else max(1, request.min_chars - len(request.said))
    return least, max(left, min(SENTENCE_CHARS, request.max_chars))
