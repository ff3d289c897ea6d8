"""The possible judgements on the end of a turn."""

from enum import Enum


class Ending(Enum):
    UNFINISHED = "unfinished"  # no sentence or number ends like this
    OPEN = "open"  # the turn may be complete or not
    FINISHED = "finished"  # nothing more is expected
