"""What can be said of how a turn ends so far."""

from enum import Enum


class Ending(Enum):
    UNFINISHED = "unfinished"  # nobody ends a sentence, or a number, like this
    OPEN = "open"  # it may be all, or not
    FINISHED = "finished"  # nothing more is to be expected
