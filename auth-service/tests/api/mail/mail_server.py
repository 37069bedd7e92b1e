"""A real SMTP server on loopback: takes mails, or refuses them as a test says, with STARTTLS and log-in if wanted."""

import asyncio
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from .letterbox import parsed

USERNAME, PASSWORD = "deepthinks", "short but theirs"
FINE = "250 OK"


class MailServer:
    """`with MailServer() as server:`; what it says to RCPT and DATA can be changed at any time."""

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None, knows_utf8: bool = True) -> None:
        self.to_recipients = FINE
        self.to_data = FINE
        self.envelopes: list[Envelope] = []
        self.was_encrypted: list[bool] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._options: dict[str, Any] = {"hostname": "mail.test", "enable_SMTPUTF8": knows_utf8}
        if tls:
            self._options |= {
                "tls_context": tls,
                "require_starttls": True,
                "auth_required": True,
                "authenticator": _authenticate,
            }
        self._loop = asyncio.new_event_loop()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listens.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._listener.close()

    @property
    def messages(self) -> list[EmailMessage]:
        """What has arrived."""
        contents = [envelope.content for envelope in self.envelopes]
        return [parsed(content) for content in contents if isinstance(content, bytes)]

    def _run(self) -> None:
        self._loop.run_until_complete(
            self._loop.create_server(lambda: SMTP(self, loop=self._loop, **self._options), sock=self._listener)
        )
        self._listens.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.to_recipients == FINE:
            envelope.rcpt_tos.append(address)
        return self.to_recipients

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.to_data == FINE:
            self.was_encrypted.append(session.ssl is not None)
            self.envelopes.append(envelope)
        return self.to_data


def _authenticate(_: SMTP, __: Session, ___: Envelope, mechanism: str, data: Any) -> AuthResult:
    is_known = (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=is_known, handled=False)


def make_certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate that vouches for itself, as a file to trust, and what a server of that name needs."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    trusted, private = folder / f"{host}.pem", folder / f"{host}.key"
    trusted.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(trusted, private)
    return trusted, context
