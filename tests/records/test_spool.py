"""Lines that wait: whole, private, in their order; one owner, and the next one when that is gone."""

import os
from pathlib import Path

import pytest

from server.records.spool import Spool, spools_beside


@pytest.fixture
def beside(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "records.db")


def read_all(spool: Spool) -> list[str]:
    found = []
    while lines := spool.first():
        found += [line.decode().rstrip("\n") for line in lines]
        spool.forget(lines)
    return found


def test_what_was_appended_is_read_in_its_order_and_the_file_goes(beside: str) -> None:
    spool = Spool(beside)
    spool.append(["a", "ב"])
    spool.append(["c"])
    assert read_all(spool) == ["a", "ב", "c"]
    assert spools_beside(beside) == [] and spool.name == ""


def test_what_comes_while_it_is_read_is_not_lost(beside: str) -> None:
    spool = Spool(beside)
    spool.append(["a"])
    lines = spool.first()
    spool.append(["b"])
    spool.forget(lines)
    assert read_all(spool) == ["b"]


def test_long_lines_and_many(beside: str) -> None:
    spool, lines = Spool(beside), ["x" * 200_000, *map(str, range(50_000))]
    spool.append(lines)
    assert read_all(spool) == lines


def test_nobody_else_reads_it(beside: str) -> None:
    umask = os.umask(0)
    try:
        Spool(beside).append(["a"])
    finally:
        os.umask(umask)
    assert [path.stat().st_mode & 0o777 for path in spools_beside(beside)] == [0o600]


def test_one_that_is_held_is_nobody_elses_until_its_owner_is_gone(beside: str) -> None:
    owner, other = Spool(beside), Spool(beside)
    owner.append(["a"])
    assert not other.take_over()
    owner.close()
    assert other.take_over() and read_all(other) == ["a"]


def test_all_that_were_left_are_taken_over_one_by_one(beside: str) -> None:
    for line in "abc":
        left = Spool(beside)
        left.append([line])
        left.close()
    spool, found = Spool(beside), []
    while spool.take_over():
        found += read_all(spool)
    assert sorted(found) == ["a", "b", "c"] and spools_beside(beside) == []


def test_half_a_line_of_a_killed_process_spoils_no_other(beside: str) -> None:
    killed = Spool(beside)
    killed.append(["a"])
    with open(killed.name, "a") as file:
        file.write("ha")
    killed.close()
    spool = Spool(beside)
    assert spool.take_over()
    spool.append(["b"])
    assert read_all(spool) == ["a", "ha", "b"]


def test_what_finds_no_room_leaves_what_is_there(beside: str) -> None:
    spool = Spool(beside, max_bytes=6)
    spool.append(["abc"])
    with pytest.raises(OSError, match="wait in it already"):
        spool.append(["def"])
    assert read_all(spool) == ["abc"]


def test_a_strange_name_is_only_a_name(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "[a]*?" / "records.db"))
    spool.append(["a"])
    spool.close()
    assert spool.take_over()
