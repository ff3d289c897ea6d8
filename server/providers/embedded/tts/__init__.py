"""The embedded TTS: Hebrew text to telephone audio in this process, without an account.

Text is split into clauses (``clauses``), read as phonemes (``lexicon`` first, else ``pointing`` and the
rules of ``phonemes``), spoken by espeak-ng (``espeak``) and brought to 8 kHz (``telephone``).
``synthesizer`` is the provider. Importing the package loads neither a library nor a model.
"""
