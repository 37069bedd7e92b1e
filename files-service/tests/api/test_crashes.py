"""Reading goes on after the service or a reading process dies."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from chassis.testing import FakeAuth
from files_service.settings import Settings

from ..conftest import FilesService, Running, wait_until
from ..documents import pdf, pdf_bomb
from ..reading_processes import reading_processes


@contextmanager
def own_process(data: Path, auth_url: str, auth: FakeAuth) -> Iterator[tuple[FilesService, subprocess.Popen[bytes]]]:
    """The service as it is deployed, to be killed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "AUTH_URL": auth_url,
        "SERVICE_DATA": str(data),
        "SERVICE_PORT": str(port),
        "STORAGE_RESERVE_BYTES": "0",
    }
    process = subprocess.Popen([sys.executable, "-m", "files_service"], env=environment, stdout=subprocess.DEVNULL)
    try:
        service = FilesService(f"http://127.0.0.1:{port}", Settings(service_data=data), auth)
        wait_until(lambda: _is_live(service), seconds=20)
        yield service, process
    finally:
        process.kill()
        process.wait()


def _is_live(service: FilesService) -> bool:
    try:
        return service.http.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def test_after_a_kill_in_the_middle_the_file_is_read_at_the_next_start(
    running: Running, tmp_path: Path, auth_url: str, auth: FakeAuth
) -> None:
    with own_process(tmp_path / "data", auth_url, auth) as (service, process):
        file_id = service.upload(pdf(f"leaf {number}" for number in range(45)))["id"]
        wait_until(lambda: reading_processes(process.pid), seconds=10)
        process.send_signal(signal.SIGKILL)
        process.wait()

    with running() as service:
        file = service.settled(file_id)

    assert (file["state"], file["pages"]) == ("ready", 45)


def test_orderly_stops_in_the_middle_do_not_count_as_tries(running: Running) -> None:
    with running() as service:
        file_id = service.upload(pdf(f"leaf {number}" for number in range(45)))["id"]
        wait_until(reading_processes)
    assert reading_processes() == []
    for _ in range(3):
        with running():
            wait_until(reading_processes)

    with running() as service:
        file = service.settled(file_id)

    assert file["state"] == "ready"


def test_a_file_whose_reading_process_is_killed_is_tried_again(running: Running) -> None:
    with running() as service:
        file_id = service.upload(pdf(f"leaf {number}" for number in range(45)))["id"]
        wait_until(reading_processes)
        for process in reading_processes():
            kill(process)

        assert service.settled(file_id)["state"] == "ready"


def test_a_file_that_kills_every_process_is_given_up_after_three_tries(running: Running) -> None:
    killed: set[int] = set()

    with running() as service:
        file_id = service.upload(pdf_bomb(20_000_000))["id"]

        def has_failed_though_we_kill() -> bool:
            for process in reading_processes():
                killed.add(process)
                kill(process)
            return service.get(f"/{file_id}").json()["state"] == "failed"

        wait_until(has_failed_though_we_kill)
        file = service.get(f"/{file_id}").json()

    assert file["error"]["code"] == "file_processing_failed"
    assert len(killed) == 3


def test_a_file_deleted_while_it_is_read_stays_deleted(running: Running) -> None:
    with running() as service:
        file_id = service.upload(pdf(f"leaf {number}" for number in range(45)))["id"]
        wait_until(reading_processes)
        assert service.delete(file_id).status_code == 200
        later = service.upload(b"the next in the queue")["id"]

        assert service.settled(later)["state"] == "ready"
        assert service.get(f"/{file_id}").status_code == 404


@pytest.mark.parametrize("limit", ["extraction_cpu_seconds", "extraction_seconds"])
def test_a_document_that_takes_too_long_is_too_complex_and_the_service_answers_meanwhile(
    running: Running, limit: str
) -> None:
    with running(**{limit: 1}) as service:
        file_id = service.upload(pdf_bomb(20_000_000))["id"]
        wait_until(reading_processes)
        meanwhile = service.get("")
        file = service.settled(file_id, seconds=8)

    assert meanwhile.status_code == 200
    assert file["error"]["code"] == "file_too_complex"
    assert reading_processes() == []
