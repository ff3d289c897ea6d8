"""The first page: what is in use, what is missing to go live, the last calls. It asks no provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Response, request, url_for

from server.config import Config
from server.going_live import Missing, Step, missing_to_go_live
from server.office.business_hours import ISRAEL
from server.pages.pages import Pages, render
from server.records.database import Database
from server.records.facts import CallFacts
from server.records.queries import calls_between
from server.records.shown import minutes
from server.runtime.native_calls import Pool, Stuck
from server.service import Service
from server.settings.startup_checks import Trouble, tried_files
from server.telephony.public_url import public_origin

LAST_CALLS = 5
RECORDS_S, DISK_S = 2.0, 1.0  # a page is not worth a longer wait
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StepShown:
    """One of the five, and what is missing of it. ``number``: from 1."""

    number: int
    missing: Sequence[Missing]
    done: bool


@dataclass(frozen=True)
class ProvidersShown:
    """Of one kind, in order of preference. ``failing``: none of them works, as calls have found."""

    kind: str
    names: Sequence[str]
    failing: bool


class Home:
    """Any thread; what it asks of disks and databases has a time limit."""

    def __init__(self, service: Service, database: Database | None) -> None:
        """``database``: not the one that records are written by, which would wait for its reader."""
        self._service = service
        self._database = database
        providers = service.providers
        self._in_use = {
            kind: [each.name for each in chain]
            for kind, chain in (("STT", providers.stt), ("LLM", providers.llm), ("TTS", providers.tts))
        }
        self._missing = list(missing_to_go_live(service.config, list(self._in_use.values())))
        self._disk = Pool("the first page", 1)

    def providers(self) -> list[ProvidersShown]:
        failing = {"STT" if kind == "asr" else kind.upper() for kind in self._service.failing}
        return [ProvidersShown(kind, names, kind in failing) for kind, names in self._in_use.items()]

    def steps(self, calls: Sequence[CallFacts] | None) -> list[StepShown]:
        """The last two are done once Twilio can have brought a call, and once one was answered."""
        missing = {step: [one for one in self._missing if one.step is step] for step in Step}
        reached = not missing[Step.ACCESS] and not missing[Step.HTTPS]
        done = {
            Step.CONNECT: reached and bool(calls),
            Step.CALL: reached and any(call.turns for call in calls or ()),
        }
        return [StepShown(step, missing[step], done.get(step, not missing[step])) for step in Step]

    def troubles(self) -> list[Trouble]:
        """Files and folders of the settings that cannot be used. Blocks for DISK_S."""
        try:
            tried = self._disk.run(DISK_S, lambda: list(tried_files(self._service.config)))
        except Stuck:
            return [Trouble("", "", "the disk does not answer")]
        return [each for each in tried if each.problem]

    def last_calls(self) -> list[CallFacts] | None:
        """The latest first; None: the records cannot be read, or none are kept. Blocks for RECORDS_S."""
        if self._database is None:
            return None
        end = datetime.now(UTC) + timedelta(days=1)
        try:
            return self._database.run(
                RECORDS_S,
                lambda connection: calls_between(connection, BEGINNING, end, most=LAST_CALLS),
                writes=False,
            )
        except Exception:  # RECORDS_ERR has said why; the page is for just such a moment
            return None


def add_home(pages: Pages, service: Service, database: Database | None) -> None:
    shown = Home(service, database)

    def home() -> Response:
        calls = shown.last_calls()
        return render(
            "pages/home.html",
            providers=shown.providers(),
            steps=shown.steps(calls),
            troubles=shown.troubles(),
            calls=calls,
            when=lambda call: f"{call.at.astimezone(ISRAEL):%d/%m/%Y %H:%M}",
            long=lambda call: minutes(call.duration_ms),
            calls_now=len(service.gate.live()),
            webhook=_webhook(service.config),
            config=service.config,
            kind=pages.kind.name,
            phone=pages.name_of("/phone"),
            calls_page=pages.name_of("/calls"),
            call_page=pages.name_of("/calls/<sid>"),
        )

    pages.add("/", home, title=("ראשי", "Home"))


def _webhook(config: Config) -> str:
    """What is put into the Twilio console."""
    path = url_for(f"{(request.blueprint or '').rpartition('.')[0]}.incoming_call")
    known = config.public_base_url or config.public_host
    return (public_origin(config) if known else "https://…") + path.removeprefix(request.script_root)
