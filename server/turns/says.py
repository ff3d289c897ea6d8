"""What a turn says: an answer, a prompt, or the rest of a reply."""

from dataclasses import dataclass

from server.turns.actions import GenerateReply


@dataclass(frozen=True)
class LlmReply:
    """The LLM's sentences. ``before``: those heard in an earlier turn."""

    request: GenerateReply
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class PromptReply:
    """A prompt, or a thinking hint that nothing follows. ``request``: one that the LLM had no answer to.

    ``notice``: it is heard to its end, whoever speaks (B6).
    """

    request: GenerateReply | None = None
    before: tuple[str, ...] = ()
    notice: bool = False


@dataclass(frozen=True)
class ResumedReply:
    """The rest of a reply that was interrupted for nothing (D4).

    ``restores``: history notes the interruption; this was heard in full before it. ``of_prompt``: what is
    resumed is a prompt.
    """

    request: GenerateReply | None
    before: tuple[str, ...]
    restores: str | None
    of_prompt: bool


Says = LlmReply | PromptReply | ResumedReply
