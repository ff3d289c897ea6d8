"""What a realtime voice rewords, over a socket. The long form is a command: ``python -m bench.aloud``."""

from bench.aloud import FACT, HONEST, SAME, WORDS, measure, readings


def test_a_changed_fact_is_caught_and_nothing_else_is_said_again() -> None:
    """Numbers, prices, dates and names of 80 sentences: eight are reworded, half of them in a fact."""
    heard = measure(readings(80, seed=7))
    assert [len(heard.of(kind)) for kind in (FACT, WORDS)] == [4, 4] and len(heard.of(HONEST)) > 4
    assert (heard.missed, heard.twice, heard.uncounted) == ([], [], [])
    assert [reading for reading in heard.reworded if reading.kind in (HONEST, SAME)] == []
