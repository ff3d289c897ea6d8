"""Leads are kept in either database."""

from tests.records.conftest import database, place

__all__ = ["database", "place"]
