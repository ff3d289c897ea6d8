"""Where a call is counted: among those of its host, and in a share."""

from dataclasses import dataclass

SHARE = "share:"  # before a share's name; no host has a colon in its own
HOSTS = "hosts:"  # the pool of hosts themselves: which of several take calls


@dataclass(frozen=True)
class Share:
    """Calls that are counted together beside those of their host, on all hosts: those of one caller, say.

    ``name``: begins with SHARE; "": the call is in none. ``most``: at once; 0: any number.
    """

    name: str = ""
    most: int = 0


IN_NONE = Share()


def pools(host: str, most: int, share: Share) -> list[tuple[str, int]]:
    """The names under which a call is counted, each with the most that may be there; the share first."""
    return [*([(share.name, share.most)] if share.name else []), (host, most)]
