"""Is there a person to hand a call over to (F3)? TRANSFER_NUMBER says who, OFFICE_HOURS when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.config import Config
from server.office.business_hours import OfficeHours


@dataclass(frozen=True)
class PersonHours:
    """``now`` is given and knows its zone. Immutable; any thread."""

    somebody: bool
    hours: OfficeHours

    def person_available(self, now: datetime) -> bool:
        return self.somebody and self.hours.is_open(now)

    def seconds_to_change(self, now: datetime) -> float | None:
        """Until ``person_available`` says the opposite; None: it never does."""
        change = self.hours.next_change(now) if self.somebody else None
        return None if change is None else (change - now).total_seconds()

    def changes(self, now: datetime, within_s: float) -> Iterator[tuple[float, bool]]:
        """What holds now, and every change of it: seconds from ``now``, and if there is somebody then."""
        at, end = now, now + timedelta(seconds=within_s)
        yield 0.0, self.person_available(at)
        while (after_s := self.seconds_to_change(at)) is not None and at + timedelta(seconds=after_s) < end:
            at += timedelta(seconds=after_s)
            yield (at - now).total_seconds(), self.person_available(at)


def availability(config: Config) -> PersonHours:
    """The two questions, answered by the knobs."""
    return PersonHours(
        bool(config.transfer_number), OfficeHours.parse(config.office_hours, config.office_holidays)
    )
