"""DATABASE_URL: the forms that are taken; any other is named, without its password."""

import pytest

from server.config import KnobError, load_config, load_mounted_config


@pytest.mark.parametrize(
    "url",
    [
        "postgres://user:s3cret@host:5432/database",
        "postgresql://user@host/database?sslmode=require",
        "postgresql+psycopg://host/database",
        "postgresql:///database?host=/var/run/postgresql",
    ],
)
def test_taken(url: str) -> None:
    assert load_config(_env_file=None, database_url=url).database_url.get_secret_value() == url


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:s3cret@host/database",
        "sqlite:///records.db",
        "postgres://user:s3cret@host",
        "postgres://user:s3cret@host/",
        "postgres://user:s3cret@host:99999/database",
        "postgres://user:s3/cret@host:5432/database",
        "postgres://user:x@s3cret@host:5432/database",
        "postgres://user:s3cret@host/data base",
        "host/database",
        "postgres://user:s3cret@host/database'",
    ],
)
def test_refused_without_the_password(url: str) -> None:
    with pytest.raises(KnobError, match="DATABASE_URL=.*must be like postgres://") as refused:
        load_config(_env_file=None, database_url=url)
    assert "s3cret" not in str(refused.value) and "cret@" not in str(refused.value)


def test_a_hosts_own_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its migrations would find tables that they do not know; and it may be any other database."""
    monkeypatch.setenv("DATABASE_URL", "mysql://user:s3cret@host/database")
    assert load_mounted_config().database_url.get_secret_value() == ""
