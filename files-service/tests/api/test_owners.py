"""What auth says of owners: a guest's files become the account's, an erased owner leaves not one byte."""

import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from ..conftest import FilesService, Running, wait_until
from ..documents import pdf, pdf_bomb
from ..reading_processes import reading_processes

CANARY = "canary-7f3a9c"
LONG = [f"leaf {number}" for number in range(45)]

Departure = Callable[[FilesService], httpx.Response]
DEPARTURES: dict[str, Departure] = {
    "merged": lambda service: service.merge("guest_1", "user_1"),
    "erased": lambda service: service.erase("guest_1"),
}
departures = pytest.mark.parametrize("depart", DEPARTURES.values(), ids=DEPARTURES)


def test_the_files_of_a_guest_become_the_accounts(running: Running) -> None:
    with running() as service:
        mine = service.upload(b"of the account")["id"]
        of_guest = service.upload(b"of the guest", user_id="guest_1")["id"]
        service.settled(of_guest, "guest_1")

        answer = service.merge("guest_1", "user_1")

        assert answer.json() == {"counts": {"files": 1, "bytes": 12}}
        assert service.merge("guest_1", "user_1").json() == answer.json()
        assert [file["id"] for file in service.get("").json()["data"]] == [of_guest, mine]
        assert service.get(f"/{of_guest}/text").json()["text"] == "of the guest"
        assert service.get(f"/{of_guest}/content").content == b"of the guest"
        assert service.get("", "guest_1").json()["data"] == []
        assert service.get(f"/{of_guest}", "guest_1").status_code == 404


def test_a_file_is_read_on_while_its_owner_is_merged_and_a_turn_of_the_guest_gets_its_text(running: Running) -> None:
    answers: list[httpx.Response] = []

    with running() as service:
        file_id = service.upload(pdf(LONG), user_id="guest_1")["id"]
        wait_until(reading_processes)
        turn = threading.Thread(
            target=lambda: answers.append(service.contents(file_id, owner="guest_1", wait_seconds=10))
        )
        turn.start()
        service.merge("guest_1", "user_1")
        file = service.settled(file_id)
        turn.join()

    assert file["state"] == "ready"
    [found] = answers[0].json()["files"]
    assert "leaf 44" in found["text"]


@departures
def test_an_upload_that_its_owner_did_not_outlast_is_refused_and_leaves_nothing(
    running: Running, depart: Departure
) -> None:
    with running() as service:

        def body() -> Iterator[bytes]:
            yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf'
            wait_until(lambda: any(service.blobs.iterdir()))
            depart(service)
            yield b"other half\r\n--b--\r\n"

        headers = {**service.auth.headers("guest_1"), "content-type": "multipart/form-data; boundary=b"}
        answer = service.http.post("/v1/files", content=body(), headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert list(service.blobs.iterdir()) == []
        assert service.get("").json()["data"] == service.get("", "guest_1").json()["data"] == []


@departures
def test_a_token_that_outlives_its_owner_changes_nothing(running: Running, depart: Departure) -> None:
    with running() as service:
        file_id = service.upload(b"text", user_id="guest_1")["id"]
        depart(service)

        uploading = service.post(b"more", user_id="guest_1")
        deleting = service.delete(file_id, "guest_1")

        assert (uploading.status_code, deleting.status_code) == (401, 401)
        assert service.get("", "guest_1").json()["data"] == []


def test_not_one_byte_of_an_erased_owner_stays_in_any_file_while_the_service_runs(running: Running) -> None:
    with running(extraction_workers=1) as service:
        ready = service.upload(f"{CANARY} once. ".encode() * 3000, f"{CANARY}.txt")["id"]
        failed = service.upload(f"%PDF-1.4 {CANARY}".encode(), f"{CANARY}.pdf")["id"]
        service.settled(ready)
        service.settled(failed)
        being_read = service.upload(pdf([CANARY, *LONG]))["id"]
        wait_until(reading_processes)
        waiting = service.upload(CANARY.encode())["id"]
        others = service.upload(b"of somebody else", user_id="user_2")["id"]
        before = service.kept_of(CANARY)

        answer = service.erase("user_1")

        assert before >= {ready, failed, being_read, waiting, "data.sqlite3-wal"}
        assert answer.json()["counts"]["files"] == 4
        assert service.kept_of(CANARY) == set()
        assert [path.name for path in service.blobs.iterdir()] == [others]
        assert service.settled(others, "user_2")["state"] == "ready"
        assert service.kept_of(CANARY) == set()
        assert service.erase("user_1").json() == answer.json()


@pytest.mark.parametrize("end", ["erase", "delete"])
def test_reading_a_file_ends_when_the_file_does(running: Running, end: str) -> None:
    with running(extraction_workers=1) as service:
        file_id = service.upload(pdf_bomb(20_000_000))["id"]
        wait_until(reading_processes)
        _ = service.erase("user_1") if end == "erase" else service.delete(file_id)

        wait_until(lambda: not reading_processes(), seconds=0.5)
        later = service.upload(b"the next in the queue", user_id="user_2")["id"]

        assert service.settled(later, "user_2")["state"] == "ready"


def test_a_turn_that_waits_for_a_file_of_an_erased_owner_waits_no_longer(running: Running) -> None:
    with running(extraction_workers=1) as service:
        file_id = service.upload(pdf_bomb(20_000_000))["id"]
        erasing = threading.Timer(0.1, lambda: service.erase("user_1"))
        erasing.start()
        started = time.monotonic()
        answer = service.contents(file_id, wait_seconds=10)
        waited = time.monotonic() - started
        erasing.join()

    assert waited < 1
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


def test_bytes_that_could_not_be_deleted_are_deleted_when_the_erasure_is_repeated(running: Running) -> None:
    with running() as service:
        blob = service.blobs / service.upload(b"text")["id"]
        blob.unlink()
        blob.mkdir()  # what no unlink can delete
        failed = service.erase("user_1")
        blob.rmdir()
        blob.write_text(CANARY)

        repeated = service.erase("user_1")

        assert failed.status_code == 500
        assert repeated.json() == {"counts": {"files": 1, "bytes": 4}}
        assert service.kept_of(CANARY) == set()


def test_bytes_that_a_crash_kept_from_an_erasure_are_gone_before_it_can_be_repeated(running: Running) -> None:
    with running() as service:
        blob = service.blobs / service.upload(b"text")["id"]
        service.erase("user_1")
    blob.write_text(CANARY)  # where a crash after the commit would have left it

    with running() as service:
        kept = service.kept_of(CANARY)
        repeated = service.erase("user_1")

    assert kept == set()
    assert repeated.json() == {"counts": {"files": 1, "bytes": 4}}
