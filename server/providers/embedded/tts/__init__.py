"""The embedded TTS: Hebrew text to telephone audio in this process, without an account.

``reading`` splits text into clauses and reads them as phonemes (``lexicon`` first, then ``pointing`` and the
rules of ``phonemes``). ``espeak`` speaks the phonemes, ``telephone`` brings them to 8 kHz. ``synthesizer`` is
the provider. Importing the package loads neither a library nor a model.
"""
