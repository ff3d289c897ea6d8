"""Where a test keeps its records."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """What DATABASE_URL and RECORDS_FILE say; without ``url`` the file is SQLite's."""

    url: str
    file: str
