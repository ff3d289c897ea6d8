"""The knobs of what is kept of calls, and of where leads go; a part of ``server.config.Config``."""

from typing import Annotated, Literal

from pydantic import SecretStr

from server.knobs import knob
from server.settings.knob_types import (
    DatabaseUrl,
    PathText,
    named_where_kept,
    no_file_of,
    told_where_recorded,
)
from server.settings.lead_knobs import LeadKnobs
from server.settings.metrics_knobs import MetricsKnobs
from server.settings.page_knobs import PageKnobs

FILES_WRITTEN = ("state_file", "leads_file", "records_file")


class KeptKnobs(LeadKnobs, PageKnobs, MetricsKnobs):
    state_file: PathText = knob(
        "state/agent.db", "Calls, shared by one host's workers; empty: one worker only."
    )
    leads_file: Annotated[PathText, no_file_of("state_file")] = knob(
        "leads.jsonl", "Where details of leads are appended; empty: only logged."
    )
    database_url: DatabaseUrl = knob(
        SecretStr(""), "PostgreSQL for calls' records: postgres://user:…@host/name; empty: RECORDS_FILE."
    )
    records_file: Annotated[PathText, no_file_of("state_file", "leads_file")] = knob(
        "state/records.db", "Calls' records, SQLite; with DATABASE_URL: what waits for it. Both empty: none."
    )
    records_keep_days: int = knob(90, "Days after which a call's records are deleted; 0: never.", 0, 3650)

    event_log: Literal["off", "events", "audio"] = knob(
        "off", "Keep each call as its events, words among them: python -m server.replay; audio: recorded too."
    )
    event_log_dir: Annotated[PathText, named_where_kept] = knob(
        "event_logs", "Folder of event logs, a folder a day."
    )
    recording_notice_he: Annotated[str, told_where_recorded] = knob(
        "השיחה מוקלטת לצורך שיפור השירות.",
        "With EVENT_LOG=audio: said before the greeting; nothing stops either of them.",
    )
