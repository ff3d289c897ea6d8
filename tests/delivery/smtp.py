"""A mail server on loopback, with STARTTLS and a login; it refuses as it is told, and keeps what came."""

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import trustme

USER, PASSWORD = "office", "p@ss/word"


@dataclass
class MailServer:
    """``refuses``: the first words of what came to the answer: {"RCPT": "450 later"}."""

    port: int = 0
    refuses: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)


def _handler(server: MailServer, context: ssl.SSLContext | None) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        tls = False

        def handle(self) -> None:
            try:
                self._talk()
            finally:  # of what STARTTLS has made of it
                self.rfile.close()
                self.wfile.close()
                self.request.close()

        def _talk(self) -> None:
            self._say("220 mail.test ESMTP")
            while line := self.rfile.readline():  # of the socket as it is by now
                words = line.decode().rstrip("\r\n")
                server.said.append(words)
                verb = words.partition(" ")[0].upper()
                try:
                    if not self._answer(verb, words):
                        return
                except ssl.SSLError:  # our certificate is not accepted
                    return

        def _answer(self, verb: str, words: str) -> bool:
            if verb in server.refuses:
                self._say(server.refuses[verb])
            elif verb == "EHLO":
                more = [] if self.tls or context is None else ["STARTTLS"]
                for name in ["mail.test", *more]:
                    self._say(f"250-{name}")
                self._say("250 AUTH PLAIN")
            elif verb == "STARTTLS":
                self._say("220 go on")
                assert context is not None
                self.request = context.wrap_socket(self.request, server_side=True)
                self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
                self.tls = True
            elif verb == "AUTH":
                told = base64.b64decode(words.rpartition(" ")[2]).decode()
                self._say("235 welcome" if told == f"\0{USER}\0{PASSWORD}" else "535 who?")
            elif verb == "DATA":
                self._take()
            else:
                self._say("221 bye" if verb == "QUIT" else "250 ok")
            return verb != "QUIT"

        def _take(self) -> None:
            self._say("354 go on")
            lines = []
            for line in iter(self.rfile.readline, b".\r\n"):
                lines.append(line.removeprefix(b"."))
            message = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(message, EmailMessage)
            server.mails.append(message)
            server.encrypted.append(self.tls)
            self._say("250 taken")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    return Handler


@contextmanager
def mail_serving(authority: trustme.CA | None) -> Iterator[MailServer]:
    """With STARTTLS where there is an ``authority``."""
    context = None
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    mail = MailServer()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(mail, context)) as server:
        server.daemon_threads = True
        mail.port = server.server_address[1]
        serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        try:
            yield mail
        finally:
            server.shutdown()
            serving.join()
