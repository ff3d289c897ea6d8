"""The path of every reply from the LLM to the TTS; ``spoken.SpokenReply`` is its only entry (E5).

In order: ``scanner`` removes all that is not speech (``constructs``, ``tags``, ``labels`` and ``written``
recognise it), ``plain_words`` makes sentences of the rest, ``doubt`` holds sentences back that may be
reasoning, ``shape`` limits the reply's length and its questions (``asking``), ``acts`` reads function calls.
"""
