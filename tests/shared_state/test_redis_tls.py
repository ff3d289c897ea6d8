"""A Redis by TLS: as cheap to ask as another one, and as well looked at."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import trustme

from server.admission.caller_share import Party
from server.admission.rate_limits import RateLimits
from server.shared_state.changes import First, Lease
from server.shared_state.redis import RedisStore
from tests.conftest import wait_until_it_listens
from tests.serving import free_port

OFTEN = Party("often", a_minute=1000)


@dataclass(frozen=True)
class Secure:
    """``unknown``: the URL of who does not know its authority."""

    url: str
    unknown: str


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    folder, port, authority = tmp_path_factory.mktemp("redis"), free_port(), trustme.CA()
    ca, certificate, key = (folder / name for name in ("ca.pem", "certificate.pem", "key.pem"))
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(ca)
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(certificate)
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(ca)]
    kept = ["--tls-auth-clients", "no", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    command = ["redis-server", "--port", "0", "--tls-port", port, *files, *kept]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as server:
        try:
            if server.poll() is not None:
                pytest.skip("redis-server knows no TLS")
            wait_until_it_listens(int(port))
            bare = f"rediss://localhost:{port}/0"
            yield Secure(f"{bare}?ssl_ca_certs={ca}", bare)
        finally:
            server.terminate()


def test_authorities_are_read_once_a_process(secure: Secure, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 ms each time, in which under gevent no call goes on."""
    read: list[Path | None] = []
    make = ssl.create_default_context

    def counting() -> ssl.SSLContext:
        read.append(None)
        return make()

    monkeypatch.setattr(ssl, "create_default_context", counting)
    store, rates = RedisStore(secure.url), RateLimits(1000, secure.url)
    for number in range(5):
        assert store.change(First(f"tls:{number}", 60.0), Lease("tls", f"CA{number}", 0, 10.0))
        assert rates.count(OFTEN) is None
    assert store.leased("tls") == 5
    assert len(read) == 1


def test_who_is_not_trusted_is_not_asked(secure: Secure) -> None:
    """Again and again; and the one who knows the authority goes on."""
    for _ in range(2):
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            RedisStore(secure.unknown).get("CA1")
    assert RedisStore(secure.url).get("CA1") is None
