"""TLS by two settings: a certificate of our own making, the same files, the same door."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.gateway import UnusableVariable, command, render
from dev.processes import NotStarted, free_port
from dev.stack import Stack

from .door import Door
from .houses import House, opened
from .test_configuration import PLACES


@dataclass(frozen=True)
class TlsDoor(Door):
    """The door by TLS; `name` is the name that the client says it came for, None says none."""

    certificate: Path
    name: str | None = "localhost"
    version: ssl.TLSVersion | None = None

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = False
        if self.version:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = self.version
        return context.wrap_socket(super().connect(), server_hostname=self.name)

    def plain(self) -> Door:
        return Door(self.port)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def tls_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = make_certificate(folder)
    settings = {"GATEWAY_TLS_CERTIFICATE": str(certificate), "GATEWAY_TLS_KEY": str(key)}
    with opened(folder, settings, door=TlsDoor(free_port(), certificate)) as house:
        yield house


@pytest.fixture
def secure(tls_house: House) -> House:
    return tls_house.reset()


@pytest.fixture
def door(secure: House) -> TlsDoor:
    assert isinstance(secure.door, TlsDoor)
    return secure.door


def test_the_same_routes_and_credentials_work_over_tls(secure: House) -> None:
    answer = secure.door.get("/v1/models", token=secure.token(exchanged="an.access.token"))

    assert answer.status == 200
    assert secure.upstreams["chat"].last.header("Authorization") == "Bearer an.access.token"
    assert secure.upstreams["chat"].last.header("X-Forwarded-Proto") == "https"


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/v1/models", "/v1/models;x"])
def test_every_answer_tells_browsers_to_stay_on_tls(path: str, secure: House) -> None:
    assert secure.door.get(path).header("Strict-Transport-Security") == "max-age=31536000"


def test_without_tls_nothing_is_said_about_it(house: House) -> None:
    assert house.door.get("/health").header("Strict-Transport-Security") is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(version: ssl.TLSVersion, door: TlsDoor) -> None:
    assert TlsDoor(door.port, door.certificate, version=version).get("/health").status == 200


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)],
    ids=["a browser", "a library", "says nothing"],
)
def test_http_2_is_spoken_with_those_who_can_so_that_streams_share_a_connection(
    offered: list[str], chosen: str | None, door: TlsDoor
) -> None:
    context = ssl.create_default_context(cafile=str(door.certificate))
    if offered:
        context.set_alpn_protocols(offered)

    with context.wrap_socket(door.plain().connect(), server_hostname="localhost") as connection:
        assert connection.selected_alpn_protocol() == chosen


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_not(version: ssl.TLSVersion, door: TlsDoor) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        TlsDoor(door.port, door.certificate, version=version).get("/health")


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", None])
def test_a_client_that_came_for_another_name_gets_no_handshake(name: str | None, door: TlsDoor) -> None:
    with pytest.raises(ssl.SSLError, match=r"UNRECOGNIZED_NAME|unrecognized name"):
        TlsDoor(door.port, door.certificate, name).get("/health")


def test_a_foreign_host_behind_our_name_is_misdirected(door: TlsDoor) -> None:
    answer = door.send("GET", "/v1/models", host="evil.example")

    assert (answer.status, answer.json()["code"]) == (421, "foreign_host")


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_plain_http_on_the_port_of_tls_is_a_clean_problem(host: str, secure: House, door: TlsDoor) -> None:
    answer = door.plain().send("GET", "/v1/models", host=host, token="secret-in-the-clear")

    assert (answer.status, answer.json()["code"]) == (400, "malformed_request")
    assert answer.header("Content-Type") == "application/problem+json"
    assert not any(upstream.received for upstream in secure.upstreams.values())


def test_garbage_instead_of_a_handshake_ends_the_connection(door: TlsDoor) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01\x00\x05hello" + bytes(64))

        assert len(connection.recv(1024)) < 16  # an alert at most

    assert door.get("/health").status == 200


@pytest.mark.parametrize(("origin", "named"), [("https://localhost", "https://localhost"), ("http://localhost", None)])
def test_our_own_origin_is_an_https_one(origin: str, named: str | None, secure: House) -> None:
    secure.door.send("POST", "/v1/auth/refresh", [("Origin", origin)], b"{}")

    assert secure.auth.last.header("X-Allowed-Origin") == named


@pytest.mark.parametrize("given", ["GATEWAY_TLS_CERTIFICATE", "GATEWAY_TLS_KEY"])
def test_one_of_the_two_settings_alone_is_refused_by_name(given: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableVariable, match="GATEWAY_TLS_CERTIFICATE and GATEWAY_TLS_KEY go together"):
        render(tmp_path, {**PLACES, given: "file.pem"})


@pytest.mark.parametrize("given", ["GATEWAY_TLS_CERTIFICATE", "GATEWAY_TLS_KEY"])
def test_make_up_ends_in_one_clear_line_about_it(given: str, tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="GATEWAY_TLS_CERTIFICATE and GATEWAY_TLS_KEY go together"):
        Stack(tmp_path, environment={given: "file.pem"})


def test_a_certificate_that_is_not_there_stops_the_start_and_is_named(house: House, tmp_path: Path) -> None:
    missing = {"GATEWAY_TLS_CERTIFICATE": "nowhere/certificate.pem", "GATEWAY_TLS_KEY": "nowhere/key.pem"}
    render(tmp_path, {**PLACES, "GATEWAY_LISTEN": f"127.0.0.1:{free_port()}", **missing})

    checked = subprocess.run([*command(tmp_path), "-t"], check=False, capture_output=True, text=True)

    assert checked.returncode != 0
    assert str(Path("nowhere/certificate.pem").resolve()) in checked.stderr
