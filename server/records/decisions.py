"""What the machine may give as a reason, in words: every pair of a rule of docs/conversation.md and what was
decided by it. ``docs/calls.md`` has the table, made by ``python -m server.records.decisions``."""

DECISIONS: dict[tuple[str, str], str] = {
    ("A3", "ended"): "the caller's utterance was over: the ordinary silence had passed",
    ("A3", "late"): "it was over after a longer silence: this caller pauses, or there was noise",
    ("A3", "held"): "it was over after a longer silence: its words could not end there",
    ("A3", "released"): "it was over after half the silence: its words were complete",
    ("A3", "nod"): "it was over at once: its words only showed a listener",
    ("A3", "brief"): "it was over at once: half a second over the agent's voice",
    ("A4", "ended"): "it was over at the first pause, or without any: it had lasted too long",
    ("A5", "noise"): "a sound was no voice",
    ("A6", "goes on"): "the caller went on before the answer began: both are answered together",
    ("A7", "held"): "the end of the turn is held: the words so far cannot end there; the last of them",
    ("A7", "released"): "the end of the turn is released: the words so far are complete; the last of them",
    ("A7", "the LLM waits"): "the LLM found that the caller had not finished",
    ("A7", "asked again"): "the caller had been waited for, and the LLM was asked again",
    ("B3", "started"): "the LLM was asked early, in a pause",
    ("B3", "dropped"): "what was begun early was dropped",
    ("B3", "kept"): "what was begun early is the answer",
    ("B4", "breath"): "the least pause before the reply",
    ("B5", "hint"): "the thinking hint was said, if its audio is there",
    ("B6", "greets"): "the greeting",
    ("C5", "opened"): "a voice just behind the agent's own was taken for the caller's",
    ("D1", "candidate"): "a sound over the agent's voice was judged",
    ("D1", "stopped early"): "the agent stopped while it was judged",
    ("D1", "lower"): "the agent went on lower while it was judged what was said over it",
    ("D2", "interrupted"): "a voice, or a key, interrupted the agent",
    ("D2", "nearly over"): "a voice, or a key, stopped the agent in its last 300 ms: no interruption",
    ("D3", "unheard"): "what the caller did not hear of the reply",
    ("D4", "went on"): "the sound was no voice: the agent went on from the very frame",
    ("D4", "full level"): "what was said over the agent asked for nothing: it was as loud as before",
    ("D4", "nod"): "the words so far only showed a listener: the last one was not waited for",
    ("D4", "no nod"): "it was more than a nod after all",
    ("D4", "only listens"): "the words only showed a listener",
    ("D4", "listens, says the LLM"): "the LLM found that the caller only listened",
    ("D4", "from its word"): "the reply went on from the word at which it was cut",
    ("D4", "from its sentence"): "the reply went on from the start of the sentence that was cut",
    ("E1", "nothing"): "nothing was said after all",
    ("E1", "unclear"): "the words were empty or doubtful: asked again, or offered help",
    ("E2", "same words"): "the same words again were left out",
    ("E2", "answer ready"): "the same words again: their answer was ready",
    ("E3", "echo"): "these were the agent's own words",
    ("E4", "skipped"): "a sentence was left out: the caller had just heard it",
    ("E4", "nothing left"): "all of the reply had just been heard: another line was said",
    ("F1", "asks"): "silence: asked whether anybody is there",
    ("F1", "gives up"): "silence: said goodbye",
    ("F2", "goodbye"): "the call ends behind these words; who decided it",
    ("F2", "keeps on"): "the LLM would have ended the call, but has asked something",
    ("F3", "hand over"): "the caller is handed over to a person; who decided it",
    ("F3", "no person"): "a person was wanted, and there is none; by whom",
    ("F3", "message"): "a fixed line answered what a fixed line had asked",
    ("F4", "time is up"): "the call had lasted long enough",
    ("F4", "cut"): "the call ended: nobody had paused for its goodbye",
    ("F4", "closes"): "the server goes",
    ("F4", "farewell"): "the server goes: said goodbye",
    ("F4", "insists"): "the server goes, and nobody had paused: said goodbye over it",
    ("F5", "key"): "a key was pressed",
    ("F7", "waits"): "somebody is to wait: silence is not asked about for a while",
    ("G1", "words so far"): "the STT had failed, or was late: its words so far counted",
    ("G2", "stt failed"): "the STT had failed, and nothing was heard",
    ("G2", "not heard"): "said that nothing could be heard",
    ("G2", "llm failed"): "the LLM had failed",
    ("G2", "answered instead"): "a fixed line was said in the place of an answer",
    ("G3", "overdue"): "there was no answer in time",
}
# Those whose ``why`` is the caller's words.
WITH_WORDS = frozenset({("A7", "held"), ("A7", "released"), ("D4", "full level")})


def in_words(rule: str, what: str, why: str = "") -> str:
    """One decision as a sentence; what a later version has written stays as it is."""
    meaning = DECISIONS.get((rule, what), what)
    return f"{rule} {meaning}" + (f": {why}" if why else "")


def table() -> str:
    """All of them, as Markdown."""
    rows = [f"| {rule} | {what} | {meaning} |" for (rule, what), meaning in DECISIONS.items()]
    return "\n".join(["| rule | what | in words |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
