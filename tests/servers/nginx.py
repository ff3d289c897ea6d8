"""A real nginx in front of a server of ours, with the configuration that docs/live.md gives its users."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.serving import free_port

HOST = "localhost"  # what the certificate is for
LISTEN_S = 10
# Debian puts it where only root's PATH looks.
BINARY = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

# The limits are those of docs/live.md but for the rate: all the world is one address here, asking as it can.
# One process: run by root, a worker would be somebody who may not enter a test's folder.
CONFIGURATION = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    limit_req_zone $binary_remote_addr zone=agent:1m rate=10000r/s;
    limit_conn_zone $binary_remote_addr zone=agent_open:1m;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{upstreams}    server {{
        listen 127.0.0.1:{port} ssl;
        server_name {host};
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
{locations}    }}
}}
"""
# Several hosts, as docs/scale.md has them: ``webhooks`` and ``sockets`` are lines of ``server …;``.
UPSTREAMS = """\
    proxy_next_upstream error timeout non_idempotent;
    proxy_connect_timeout 2s;
    upstream agents {{
        zone agents 64k;
        {webhooks}
    }}
    upstream agents_sockets {{
        zone agents_sockets 64k;
        least_conn;
        {sockets}
    }}
"""
# ``server`` and ``sockets``: gunicorn's address, or names of UPSTREAMS. A prefix is taken off by the path
# behind ``proxy_pass``'s address.
LOCATIONS = """\
        location {prefix}/ {{
            proxy_pass http://{server}/;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $remote_addr;
            client_max_body_size 16k;
            limit_req zone=agent burst=200 nodelay;
            limit_conn agent_open 100;
        }}
        location {prefix}/ws/ {{
            proxy_pass http://{sockets}/ws/;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_set_header Host $http_host;
            limit_req zone=agent burst=200 nodelay;
            limit_conn agent_open 100;
            proxy_read_timeout 75s;
            proxy_send_timeout 75s;
        }}
"""


@dataclass(frozen=True)
class Place:
    """Where an nginx is to listen. Known before the server is, whose PUBLIC_BASE_URL it is."""

    port: str
    prefix: str  # "" or "/agent": nginx takes it off

    @property
    def public_url(self) -> str:
        return f"https://{HOST}:{self.port}{self.prefix}"


def free_place(prefix: str = "") -> Place:
    return Place(free_port(), prefix)


@contextmanager
def proxied(server: str, place: Place, folder: Path) -> Iterator[Path]:
    """nginx at ``place`` in front of ``server`` (``host:port``); gives the CA's certificate to be trusted.

    Its configuration, pid, temporary files and log are in ``folder``, which is made.
    """
    locations = LOCATIONS.format(prefix=place.prefix, server=server, sockets=server)
    with _running(place, folder, locations) as authority:
        yield authority


@contextmanager
def balanced(webhooks: Sequence[str], sockets: Sequence[str], place: Place, folder: Path) -> Iterator[Path]:
    """As ``proxied``, in front of several: who is to answer webhooks, and who to hold sockets."""
    webhooks, sockets = ([f"server {address};" for address in each] for each in (webhooks, sockets))
    upstreams = UPSTREAMS.format(webhooks="\n        ".join(webhooks), sockets="\n        ".join(sockets))
    locations = LOCATIONS.format(prefix=place.prefix, server="agents", sockets="agents_sockets")
    with _running(place, folder, locations, upstreams) as authority:
        yield authority


@contextmanager
def _running(place: Place, folder: Path, locations: str, upstreams: str = "") -> Iterator[Path]:
    assert BINARY is not None, "nginx is not installed"
    folder.mkdir()
    authority = folder / "authority.pem"
    write_certificate(folder, authority)
    configuration = folder / "nginx.conf"
    told = CONFIGURATION.format(port=place.port, host=HOST, locations=locations, upstreams=upstreams)
    configuration.write_text(told)
    command = [BINARY, "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as nginx:
        try:
            wait_until_it_listens(nginx, place.port, folder / "log")
            yield authority
        finally:
            nginx.terminate()


def write_certificate(folder: Path, authority: Path) -> None:
    """A certificate for ``localhost`` and its key, by a CA of this moment."""
    ca = trustme.CA()
    certificate = ca.issue_cert(HOST)
    ca.cert_pem.write_to_path(authority)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for part in certificate.cert_chain_pems:
        part.write_to_path(folder / "certificate.pem", append=True)


def wait_until_it_listens(nginx: "subprocess.Popen[bytes]", port: str, log: Path) -> None:
    deadline = time.monotonic() + LISTEN_S
    while time.monotonic() < deadline and nginx.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", int(port)), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"nginx does not listen:\n{log.read_text(encoding='utf-8')}")
