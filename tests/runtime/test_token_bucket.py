"""How much of something may come."""

from server.runtime.token_bucket import TokenBucket


def test_it_fills_again_up_to_its_burst() -> None:
    bucket = TokenBucket(10, 20, now=0)
    assert bucket.take(20, 0) and not bucket.take(1, 0)
    assert bucket.take(10, 1) and not bucket.take(1, 1)
    assert bucket.take(20, 1000) and not bucket.take(1, 1000)
