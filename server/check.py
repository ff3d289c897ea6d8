"""``./start_all.sh check``: the providers, and with ``--leads`` where leads are sent to, tried once."""

import argparse
import sys

from server.config import KnobError, load_config
from server.delivery.dispatch import channels_of
from server.logs.secrets import without_secrets
from server.providers import preflight
from server.providers.preflight import Trial, row
from server.runtime.piped import piped

TRIED = {"webhook": "a signed test, which is no lead", "email": "the login"}


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 1 when no call can be held, or with ``--leads`` no lead can be sent."""
    parser = argparse.ArgumentParser(prog="./start_all.sh check", description="Try what is configured, once.")
    parser.add_argument(
        "--leads", action="store_true", help="also the CRM, by a test post, and the mail server"
    )
    chosen = parser.parse_args(arguments)
    status = preflight.main()
    return max(status, try_channels()) if chosen.leads else status


def try_channels() -> int:
    """Print a row for each; 1 when any fails."""
    try:
        channels = channels_of(load_config())
    except KnobError:  # it has been said
        return 1
    trials = [Trial("leads", channel.name, channel.ping(), None, TRIED[channel.name]) for channel in channels]
    for trial in trials:
        print(without_secrets(row(trial)))
    if not trials:
        print("leads: neither LEADS_WEBHOOK_URL nor LEADS_EMAIL_TO is set")
    return 0 if all(trial.works for trial in trials) else 1


if __name__ == "__main__":
    sys.exit(piped(main))
