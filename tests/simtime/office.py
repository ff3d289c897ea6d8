"""What a simulated call leaves behind goes to one object of the test."""

from typing import Any, NamedTuple

from server.turns.effects import Act, SaveLead


class Lead(NamedTuple):
    at_s: float
    call_sid: str
    caller: str
    details: tuple[tuple[str, str], ...]


class End(NamedTuple):
    at_s: float
    call_sid: str
    outcome: Act


class Office:
    """Keeps what ``call``, a ``SimCall``, leaves: leads and how it ended, in their order."""

    def __init__(self, call: Any) -> None:
        self.kept: list[Lead | End] = []
        self.calls: list[Any] = []  # the call's last line
        self._call = call
        call.host |= leaves_to(self)

    def save_lead(
        self, call_sid: str, caller: str, details: tuple[tuple[str, str], ...], *, after_call: bool = False
    ) -> None:
        self.kept.append(Lead(self._call.runtime.now, call_sid, caller, details))

    def save_call(self, summary: Any) -> None:
        self.calls.append(summary)

    def close_call(self, call_sid: str, outcome: Act) -> None:
        self.kept.append(End(self._call.runtime.now, call_sid, outcome))

    @property
    def found(self) -> list[Lead]:
        return [kept for kept in self.kept if isinstance(kept, Lead)]

    @property
    def ends(self) -> list[End]:
        return [kept for kept in self.kept if isinstance(kept, End)]

    @property
    def leads(self) -> list[tuple[tuple[str, str], ...]]:
        """The details of each."""
        return [lead.details for lead in self.found]

    @property
    def outcomes(self) -> list[Act]:
        return [end.outcome for end in self.ends]

    @property
    def acts(self) -> list[Act]:
        """Leads and ends together."""
        return [SaveLead(kept.details) if isinstance(kept, Lead) else kept.outcome for kept in self.kept]


def leaves_to(office: Any) -> dict[str, Any]:
    """For ``SimCall.host``: ``office`` has ``save_lead``, ``save_call`` and ``close_call``."""
    return {"leads": office, "close_call": lambda *ended: office.close_call(*ended)}
