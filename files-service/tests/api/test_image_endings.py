"""Images that are deleted, erased, given over, or left behind by a crash: what stays, and what does not."""

from collections.abc import Callable

import pytest

from ..conftest import FilesService, Running, wait_until
from ..pictures import CANARY, PHOTO, QUARTERS, SCREENSHOT, SLOW, pixels_of, quarters, settled
from ..reading_processes import reading_processes

Ending = Callable[[FilesService, str], object]
endings = pytest.mark.parametrize(
    "end",
    [lambda service, file_id: service.delete(file_id), lambda service, _: service.erase("user_1")],
    ids=["deleted", "erased"],
)


@endings
def test_no_byte_of_an_image_stays_when_it_is_deleted_or_its_owner_erased(running: Running, end: Ending) -> None:
    with running() as service:
        file_id = settled(service, SCREENSHOT)
        drawn = pixels_of(service.contents(file_id).json()["files"][0])

        before = kept_of(service, drawn)
        end(service, file_id)

        assert before == {f"{file_id}.image"}
        assert kept_of(service, drawn) == set()
        assert list(service.blobs.iterdir()) == []


@endings
def test_an_image_that_ends_while_it_is_drawn_leaves_nothing(running: Running, end: Ending) -> None:
    with running(extraction_workers=1) as service:
        file_id = service.upload(SLOW)["id"]
        wait_until(reading_processes)
        end(service, file_id)
        later = service.upload(b"the next in the queue", user_id="user_2")["id"]

        assert service.settled(later, "user_2")["state"] == "ready"
        assert [path.name for path in service.blobs.iterdir()] == [later]


def kept_of(service: FilesService, drawn: bytes) -> set[str]:
    """The files of the data folder that hold the middle of an image."""
    middle = drawn[len(drawn) // 2 :][:32]
    return {path.name for path in service.data.rglob("*") if path.is_file() and middle in path.read_bytes()}


def test_a_guests_image_becomes_the_accounts_and_a_turn_of_the_guest_still_gets_it(running: Running) -> None:
    with running() as service:
        file_id = service.upload(PHOTO, user_id="guest_1")["id"]
        service.settled(file_id, "guest_1")
        service.merge("guest_1", "user_1")

        [file] = service.contents(file_id, owner="guest_1").json()["files"]

        assert quarters(pixels_of(file)) == QUARTERS
        assert service.contents(file_id, owner="user_2").status_code == 404


def test_images_that_a_crash_left_without_a_row_are_swept_and_the_others_stay(running: Running) -> None:
    with running() as service:
        image, text = settled(service, PHOTO), service.upload(b"text")["id"]
        blobs = service.blobs
    (blobs / f"{text}.image").write_bytes(b"of a try that did not come to its row")
    (blobs / "file_of_a_crash.image").write_bytes(b"of a file that is gone")

    with running() as service:
        left = {path.name for path in blobs.iterdir()}
        [file] = service.contents(image).json()["files"]

    assert left == {image, f"{image}.image", text}
    assert quarters(pixels_of(file)) == QUARTERS


def test_what_an_earlier_try_left_of_an_image_is_replaced(running: Running) -> None:
    with running() as service:
        file_id = service.upload(SLOW)["id"]
        (service.blobs / f"{file_id}.image").write_bytes(CANARY)

        service.settled(file_id)
        [file] = service.contents(file_id).json()["files"]

        assert pixels_of(file) == (service.blobs / f"{file_id}.image").read_bytes()
        assert CANARY not in pixels_of(file)
