"""Providers that fail in calls over real sockets: what the caller hears, and who is told.

Apart from ``test_cloud_calls``, because a file stays with one worker of the gate and the two together outlast
all others. The long forms are commands: ``python -m bench.{faults,deaf}``.
"""

from bench.deaf import Health
from bench.deaf import measure as measure_deaf
from bench.faults import ALLOWED_MS as ANSWERED_MS
from bench.faults import CASES
from bench.faults import measure as measure_faults
from server.hebrew.understand.gender import Gender
from server.turns.prompts import in_gender
from tests.cloud.watch import Fault
from tests.wording import OURS

WELL = Health(200, "ok", [])


def test_g_the_caller_hears_an_answer() -> None:
    """G2, G3: in time, whatever fails; the next turn works, and nothing is left.

    The joint at real pace: every fault of every client is in ``tests/providers``, every provider that fails
    in the stories.
    """
    outcomes, left, log = measure_faults(CASES[3], "gthread", [Fault.HUNG_MID_STREAM, Fault.UNAVAILABLE])
    assert all(outcome.answered_ms <= ANSWERED_MS and outcome.next_works for outcome in outcomes), outcomes
    assert (left.streams, left.threads) == (0, {}), (left, log[-3000:])
    assert "Traceback" not in log


def test_a_server_that_cannot_hear_says_so() -> None:
    """Newcomer 3: to the caller, who may use keys; to a balancer, by 503; well with the first words heard."""
    deaf = measure_deaf(Fault.UNAVAILABLE, "gevent", turns=4)
    assert (deaf.before, deaf.mended) == (WELL, WELL)
    assert deaf.after == Health(503, "degraded", ["asr"])
    keys = in_gender(OURS.deaf_keys, Gender.FEMININE, None)
    assert deaf.said == [OURS.not_heard, keys, keys, keys] and deaf.heard == 0, deaf
    assert any("spoken turns heard: google: " in reason for reason in deaf.reasons), deaf


def test_a_caller_who_cannot_be_heard_is_put_through() -> None:
    """Newcomer 3: with the second turn, where there is a person."""
    deaf = measure_deaf(Fault.UNAVAILABLE, "gthread", turns=4, TRANSFER_NUMBER="+97231234567")
    assert deaf.handed_over_to == "+97231234567" and deaf.heard == 0, deaf
    assert deaf.said[:2] == [OURS.not_heard, in_gender(OURS.deaf_hand_over, Gender.FEMININE, None)]
