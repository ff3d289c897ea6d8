"""What the parts of one call share."""

from dataclasses import dataclass, field

from server.call.observers import Observers
from server.call.remembering import Remembering
from server.config import Config
from server.logs.call_log import CallLog
from server.providers.provider_set import Providers
from server.runtime.threads import Runtime
from server.turns.effects import PhoneCall

NOT_STARTED = PhoneCall()


@dataclass
class CallContext:
    """``call``: RX writes it once, at the stream's start, before there are turns; the rest never changes."""

    runtime: Runtime
    config: Config
    providers: Providers
    log: CallLog
    observers: Observers = field(default_factory=Observers)
    memory: Remembering = field(default_factory=Remembering)
    call: PhoneCall = NOT_STARTED

    @property
    def started(self) -> bool:
        """Twilio's ``start`` has come."""
        return self.call is not NOT_STARTED
