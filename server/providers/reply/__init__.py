"""What every reply passes through before it is spoken: ``spoken.SpokenReply`` is the one place (E5).

In order: ``scanner`` takes out what is not speech (what that is: ``constructs``, ``tags``, ``labels``,
``written``), ``plain_words`` makes sentences of the rest, ``doubt`` holds back what may be a thought,
``shape`` keeps the reply short with one question (``asking``), and ``acts`` says what calls do.
"""
