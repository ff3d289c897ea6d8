"""``./start_all.sh leads``: what callers have left, and what of it has not arrived."""

import argparse
import sys
from datetime import datetime

from server.config import Config, KnobError, load_config
from server.delivery.outbox import Delivery, Outbox
from server.office import leads
from server.office.business_hours import ISRAEL
from server.office.leads_writer import in_israel
from server.records.database import Database
from server.runtime.piped import piped

NO_DATABASE = "no leads are sent: DATABASE_URL and RECORDS_FILE are both empty"
SETTINGS_DO_NOT_SAY = "no leads are sent: neither LEADS_WEBHOOK_URL nor LEADS_EMAIL_TO is set"


def main(arguments: list[str] | None = None) -> int:
    """Print them; the exit status. With ``--undelivered``: 1 when there are any."""
    parser = argparse.ArgumentParser(prog="./start_all.sh leads", description="The leads, a row a call.")
    parser.add_argument("file", nargs="?", help="a file of leads, or a server's log (LEADS_FILE)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--csv", action="store_true", help="for Excel: CSV in UTF-8 with its mark")
    what.add_argument("--undelivered", action="store_true", help="what has not arrived, and why")
    what.add_argument("--retry", action="store_true", help="send all of that again, now")
    chosen = parser.parse_args(arguments)
    if not (chosen.undelivered or chosen.retry):
        return leads.show(chosen.file, as_table=chosen.csv)
    try:
        config = load_config()
    except KnobError as error:
        return _fail(str(error))
    return _of_the_outbox(config, retry=chosen.retry)


def _of_the_outbox(config: Config, *, retry: bool) -> int:
    url, file = config.database_url.get_secret_value(), config.records_file
    if not (url or file):
        return _fail(NO_DATABASE)
    database = Database(url, file)
    outbox = Outbox(database)
    try:
        if retry:
            print(f"{outbox.retry(in_israel())} to be sent again")
            return 0
        waiting = outbox.undelivered()
        for delivery in waiting:
            print(told(delivery))
        if not waiting and not (config.leads_webhook_url.get_secret_value() or config.leads_email_to):
            print(SETTINGS_DO_NOT_SAY)
        return 1 if waiting else 0
    except BrokenPipeError:  # nobody reads on
        raise
    except Exception as error:  # whatever a database raises is what is to be shown
        return _fail(f"{database.name}: {database.why(error)}")
    finally:
        database.close()


def told(delivery: Delivery) -> str:
    """In a line: since when, what, where to, how often it was tried, and why it has not arrived."""
    since = _shown(delivery.made_at)
    tried = f"{delivery.attempts} attempts" if delivery.attempts != 1 else "1 attempt"
    then = f"next {_shown(delivery.next_at)}" if delivery.state == "waiting" else "not tried any more"
    parts = (since, delivery.lead, delivery.channel, delivery.state, tried, delivery.last_error, then)
    return " · ".join(filter(None, parts))


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(ISRAEL):%d/%m/%Y %H:%M}"


def _fail(why: str) -> int:
    print(why, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(piped(main))
