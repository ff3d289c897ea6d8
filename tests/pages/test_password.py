"""``./start_all.sh password``, and the setting that it makes."""

import subprocess
import sys

import pytest
from argon2 import PasswordHasher

from server.config import KnobError
from server.settings.env_file import read_env_file
from tests.pages.site import HASH, behind_a_password, config_of, log_in
from tests.serving import ROOT, environment

COMMAND = [sys.executable, "-m", "server.pages.password"]


def made(password: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        COMMAND, cwd=ROOT, env=environment(), input=password, capture_output=True, text=True, timeout=20
    )


def test_the_line_for_env_opens_the_pages(tmp_path):
    """Typed, pasted into .env, read, and tried: with $ signs, Hebrew and blanks."""
    done = made("סיסמה ארוכה $HOME\n")
    assert done.returncode == 0 and "Put this line into .env" in done.stderr
    (tmp_path / ".env").write_text(done.stdout, encoding="utf-8")
    file = read_env_file(str(tmp_path / ".env"), frozenset({"PAGES_PASSWORD_HASH"}))
    app = behind_a_password(pages_password_hash=file.values["PAGES_PASSWORD_HASH"])
    assert file.remarks() == []
    assert log_in(app.test_client(), "סיסמה ארוכה $HOME").status_code == 303
    assert log_in(app.test_client(), "סיסמה ארוכה ").status_code == 403


@pytest.mark.parametrize("password", ["", "\n", "short\n", "a" * 1001])
def test_a_password_that_nobody_should_use(password):
    done = made(password)
    assert done.returncode == 1 and done.stdout == "" and "password: " in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "correct horse battery",
        "$argon2id$v=19$m=65536,t=3,p=4",
        HASH[1:],
        HASH.replace("$argon2id", ""),  # what a shell makes of it without quotes
        HASH.replace("argon2id", "argon2i"),
        HASH.replace("t=1", "t=900"),
        HASH.replace("m=64", "m=4194304"),
        HASH + "\n" + HASH,
        "$2b$12$" + "a" * 53,
        PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("x").replace("v=19", "v=16"),
    ],
    ids=range(10),
)
def test_a_hash_that_is_none_stops_the_start(text):
    with pytest.raises(KnobError, match="PAGES_PASSWORD_HASH: ") as error:
        config_of(pages_password_hash=text)
    assert text not in str(error.value)


def test_quotes_around_it_are_none_of_it():
    assert config_of(pages_password_hash=f"'{HASH}'").pages_password_hash.get_secret_value() == HASH
