"""Uploads that are refused, and that nothing of them stays."""

import socket
from pathlib import Path

import httpx
import pytest

from ..conftest import FilesService, Running, wait_until
from ..documents import archive, overlapping_zip, pdf, zip_bomb

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
LIMIT = 100_000


def assert_nothing_stored(service: FilesService) -> None:
    assert list(service.blobs.iterdir()) == []
    assert service.get("").json()["data"] == []


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "file_empty"),
        (PNG, 415, "unsupported_file_type"),
        (b"\x7fELF\x02\x01\x01\0\0\0", 415, "unsupported_file_type"),
        (archive({"a.txt": "an ordinary zip"}), 415, "unsupported_file_type"),
        (b"PK\x03\x04 and then nothing of a zip", 415, "unsupported_file_type"),
        (overlapping_zip(), 422, "file_too_complex"),
    ],
    ids=["no bytes", "head of an image", "program", "zip", "broken zip", "overlapping zip"],
)
def test_what_cannot_be_read_is_refused(service: FilesService, content: bytes, status: int, code: str) -> None:
    answer = service.post(content, "a.docx")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert_nothing_stored(service)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(service: FilesService) -> None:
    answer = service.post(zip_bomb(), "a.docx")

    assert (answer.status_code, answer.json()["code"]) == (422, "file_too_complex")
    assert_nothing_stored(service)


def test_the_largest_file_is_taken_and_one_byte_more_is_not(running: Running) -> None:
    with running(max_file_bytes=LIMIT, extraction_workers=1) as service:
        too_large = service.post(b"x" * (LIMIT + 1))
        assert_nothing_stored(service)
        largest = service.post(b"x" * LIMIT)

    assert (too_large.status_code, too_large.json()["code"]) == (413, "file_too_large")
    assert too_large.json()["error"]["param"] == "file"
    assert (largest.status_code, largest.json()["bytes"]) == (200, LIMIT)


def test_a_larger_file_may_be_allowed_by_one_setting(running: Running) -> None:
    size = 12 * 1024 * 1024

    with running(max_file_bytes=size, extraction_workers=1) as service:
        largest = service.post(b"x" * size)

    assert (largest.status_code, largest.json()["bytes"]) == (200, size)


def test_an_endless_upload_is_cut_off_at_the_limit(running: Running) -> None:
    sent = 0

    def endless() -> object:
        nonlocal sent
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        while sent < 100 * LIMIT:
            sent += 10_000
            yield b"x" * 10_000

    with running(max_file_bytes=LIMIT, max_body_bytes=2 * LIMIT) as service:
        headers = {**service.auth.headers(), "content-type": "multipart/form-data; boundary=b"}
        answer = service.http.post("/v1/files", content=endless(), headers=headers)  # type: ignore[arg-type]
        assert_nothing_stored(service)

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_multipart"),
        (b"no boundary at all", "invalid_multipart"),
        (b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhal', "invalid_multipart"),
        (b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--b--\r\n', "file_required"),
        (b"--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n", "invalid_multipart"),
        (b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nx\r\n' * 2 + b"--b--\r\n", "file_required"),
        (
            b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\n' + b"x" * 2000 + b"\r\n--b--\r\n",
            "invalid_multipart",
        ),
        (b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\nx\r\n' * 2 + b"--b--\r\n", "invalid_multipart"),
    ],
    ids=["empty", "garbage", "cut", "no file", "no name", "two files", "long field", "field twice"],
)
def test_a_malformed_form_is_a_400(service: FilesService, body: bytes, code: str) -> None:
    headers = {**service.auth.headers(), "content-type": "multipart/form-data; boundary=b"}

    answer = service.http.post("/v1/files", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert_nothing_stored(service)


def test_a_form_of_ten_thousand_parts_is_a_400(service: FilesService) -> None:
    parts = b"".join(b'--b\r\ncontent-disposition: form-data; name="%d"\r\n\r\nx\r\n' % n for n in range(10_000))
    headers = {**service.auth.headers(), "content-type": "multipart/form-data; boundary=b"}

    answer = service.http.post("/v1/files", content=parts + b"--b--\r\n", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_multipart")


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "", f"multipart/form-data; boundary={'b' * 300}"]
)
def test_another_content_type_is_a_400(service: FilesService, kind: str) -> None:
    headers = {**service.auth.headers(), "content-type": kind}

    answer = service.http.post("/v1/files", content=b'{"file": "a"}', headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_multipart")


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"purpose": "world domination"}, 422, "invalid_request", "purpose"),
        ({"owner": "user_2"}, 400, "unknown_parameter", "owner"),
        (
            {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"},
            400,
            "unsupported_parameter",
            "expires_after",
        ),
    ],
)
def test_fields_that_are_not_honoured_are_refused(
    service: FilesService, fields: dict[str, str], status: int, code: str, param: str
) -> None:
    answer = service.post(b"text", **fields)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["error"]["param"] == param
    assert_nothing_stored(service)


def test_no_more_files_are_taken_than_may_wait(running: Running) -> None:
    with running(max_files_waiting=1, extraction_workers=1) as service:
        answers = [service.post(pdf(["a page"] * 30)) for _ in range(4)]
        taken = [answer.json()["id"] for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 429]
        kept = sorted(path.name for path in service.blobs.iterdir())

    assert refused[0].json()["code"] == "too_many_files_waiting"
    assert refused[0].headers["retry-after"] == "10"
    assert kept == sorted(taken)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\Träume.txt", "Träume.txt"),
        ("photo_\u202excod.exe", "photo_xcod.exe"),
        ("a\0b\r\nc.txt", "abc.txt"),
        ("..", "file"),
        ("n" * 300 + ".markdown", "n" * 246 + ".markdown"),
    ],
)
def test_a_name_is_made_safe_to_show_and_never_used_on_disk(service: FilesService, name: str, shown: str) -> None:
    body = b'--b\r\ncontent-disposition: form-data; name="file"; filename="' + name.replace("\r\n", "\x01").encode()
    headers = {**service.auth.headers(), "content-type": "multipart/form-data; boundary=b"}

    answer = service.http.post("/v1/files", content=body + b'"\r\n\r\ntext\r\n--b--\r\n', headers=headers)

    assert answer.json()["filename"] == shown
    assert [path.name for path in service.blobs.iterdir()] == [answer.json()["id"]]


def test_blobs_are_readable_by_their_owner_alone(service: FilesService) -> None:
    file_id = service.upload(b"private")["id"]

    blob = service.blobs / file_id

    assert blob.stat().st_mode & 0o077 == 0
    assert blob.parent.stat().st_mode & 0o077 == 0


def test_a_client_that_goes_away_leaves_nothing(service: FilesService) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: {service.auth.headers()['authorization']}\r\n"
        "content-type: multipart/form-data; boundary=b\r\ncontent-length: 90000\r\n\r\n"
        '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    )

    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"x" * 20_000)
        wait_until(lambda: any(service.blobs.iterdir()))

    wait_until(lambda: not any(service.blobs.iterdir()))


def test_bytes_that_a_crash_left_without_a_row_are_swept_at_the_next_start(running: Running, tmp_path: Path) -> None:
    with running() as service:
        file_id = service.upload(b"text")["id"]
    (tmp_path / "data" / "blobs" / "file_of_a_crash").write_bytes(b"half a fi")

    with running() as service:
        left = [path.name for path in service.blobs.iterdir()]

    assert left == [file_id]


def test_readiness_and_liveness_answer(service: FilesService) -> None:
    ready = httpx.get(f"{service.url}/health/ready", trust_env=False)

    assert ready.json() == {"status": "ok"}
