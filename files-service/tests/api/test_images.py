"""Images over the running service: taken, drawn anew in confinement, given to chat, erased without a rest."""

import pytest

from ..conftest import FilesService, Running, wait_until
from ..documents import archive
from ..pictures import (
    ANIMATION,
    CANARY,
    PALETTE,
    PHOTO,
    QUARTERS,
    SCREENSHOT,
    SLOW,
    TRANSPARENT,
    chunk,
    gif,
    lying_jpeg,
    lying_webp,
    pixels_of,
    png,
    quarters,
    settled,
    turned,
)
from ..reading_processes import reading_processes
from .test_crashes import kill


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (PHOTO, "photo.jpg", "image/jpeg"),
        (PALETTE, "liar.txt", "image/png"),
        (TRANSPARENT, "liar.png", "image/webp"),
        (ANIMATION, "none", "image/gif"),
    ],
)
def test_an_image_is_told_by_its_bytes_and_given_to_chat_drawn_anew(
    service: FilesService, content: bytes, name: str, media_type: str
) -> None:
    uploaded = service.upload(content, name)
    [file] = service.contents(uploaded["id"], wait_seconds=10).json()["files"]
    shown = service.get(f"/{uploaded['id']}").json()

    assert (uploaded["kind"], uploaded["media_type"], uploaded["state"]) == ("image", media_type, "uploaded")
    assert (file["kind"], file["state"], file["text"], file["tokens"]) == ("image", "ready", None, None)
    assert file["image"]["media_type"] == "image/png"
    assert {file["image"]["width"], file["image"]["height"]} == {48, 32}
    assert len(set(quarters(pixels_of(file)))) == 4
    assert CANARY not in pixels_of(file)
    assert (shown["status"], shown["kind"], shown["pages"], shown["tokens"]) == ("processed", "image", None, None)


def test_the_openai_sdk_uploads_an_image_for_vision(service: FilesService) -> None:
    client = service.sdk()

    file = client.files.create(file=("cat.jpg", PHOTO), purpose="vision")
    done = client.files.wait_for_processing(file.id, poll_interval=0.02)

    assert (done.status, done.purpose) == ("processed", "vision")
    assert [listed.id for listed in client.files.list(purpose="vision")] == [file.id]
    assert client.files.content(file.id).content == PHOTO


def test_texts_and_images_come_in_the_order_chat_asked(service: FilesService) -> None:
    image, text = service.upload(PHOTO)["id"], service.upload(b"words")["id"]

    files = service.contents(text, image, wait_seconds=10).json()["files"]

    assert [(file["kind"], file["text"], file["image"] is None) for file in files] == [
        ("text", "words", True),
        ("image", None, False),
    ]


def test_a_side_is_as_long_as_the_setting_allows(running: Running) -> None:
    with running(image_side=100) as service:
        [file] = service.contents(settled(service, SCREENSHOT)).json()["files"]

    assert (file["image"]["width"], file["image"]["height"]) == (100, 29)


def test_a_photograph_reaches_chat_upright_and_its_download_stays_as_it_was(service: FilesService) -> None:
    original = turned(6)
    file_id = settled(service, original)

    [file] = service.contents(file_id).json()["files"]
    download = service.get(f"/{file_id}/content")

    red, green, blue, yellow = QUARTERS
    assert quarters(pixels_of(file)) == (blue, red, yellow, green)
    assert download.content == original
    assert download.headers["content-type"] == "application/octet-stream"
    assert download.headers["content-disposition"].startswith("attachment;")
    assert download.headers["content-security-policy"].startswith("sandbox")


@pytest.mark.parametrize("content", [PHOTO, PHOTO[:-300]], ids=["ready", "failed"])
def test_the_text_of_an_image_is_a_conflict(service: FilesService, content: bytes) -> None:
    file_id = service.settled(service.upload(content)["id"])["id"]

    answer = service.get(f"/{file_id}/text")

    assert (answer.status_code, answer.json()["code"]) == (409, "file_is_image")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (png(5001, 5000, bits=1, colour_type=0), "image_too_large"),
        (png(60_000, 60_000, bits=1, colour_type=0, rows=1), "image_too_large"),
        (gif(canvas=(65_535, 65_535)), "image_too_large"),
        (gif(frame=(60_000, 60_000)), "image_too_large"),
        (lying_jpeg(), "image_too_large"),
        (lying_webp(), "image_too_large"),
        (PHOTO[:-300], "file_corrupt"),
        (ANIMATION[:60], "file_corrupt"),
        (SCREENSHOT[:5000], "file_corrupt"),
        (TRANSPARENT[:200], "file_corrupt"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "file_corrupt"),
        (png(400, 400, rows=10), None),
        (png(4, 4, extra=chunk(b"iCCP", b"x\0\0" + b"not packed")), None),
    ],
    ids=[
        *("bomb", "lying png", "wide gif", "wide frame", "lying jpeg", "lying webp"),
        *("cut jpeg", "cut gif", "cut png", "cut webp", "empty jpeg", "too few rows", "bad profile"),
    ],
)
def test_a_hostile_image_fails_with_a_code_and_an_oddity_does_no_harm(
    service: FilesService, content: bytes, code: str | None
) -> None:
    file = service.settled(service.upload(content)["id"])

    assert (file["error"] and file["error"]["code"]) == code
    [contents] = service.contents(file["id"]).json()["files"]
    assert (contents["image"] is None, contents["text"]) == (code is not None, None)
    assert (service.blobs / f"{file['id']}.image").exists() == (code is None)


def test_of_ten_thousand_frames_one_is_drawn(service: FilesService) -> None:
    [file] = service.contents(settled(service, gif(frames=10_000))).json()["files"]

    assert len(set(quarters(pixels_of(file)))) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a/*" + gif()[8:] + b"*/=1;alert('canary')//",
        PHOTO + archive({"canary.txt": "canary"}),
        PHOTO + b"<script>alert('canary')</script>",
    ],
    ids=["gif and javascript", "jpeg and zip", "jpeg and html"],
)
def test_the_other_half_of_a_polyglot_does_not_go_on(service: FilesService, content: bytes) -> None:
    file = service.settled(service.upload(content, "a.html")["id"])

    [contents] = service.contents(file["id"]).json()["files"]
    assert file["media_type"].startswith("image/")
    assert file["state"] == "ready"
    assert CANARY not in pixels_of(contents)
    assert service.get(f"/{file['id']}/content").headers["x-content-type-options"] == "nosniff"


def test_a_text_that_is_called_an_image_stays_a_text(service: FilesService) -> None:
    file = service.settled(service.upload(b"no image at all", "cat.png")["id"])

    assert (file["kind"], file["media_type"], file["state"]) == ("text", "text/plain", "ready")


def test_an_image_whose_reading_process_is_killed_is_tried_again(running: Running) -> None:
    with running() as service:
        file_id = service.upload(SLOW)["id"]
        wait_until(reading_processes)
        for process in reading_processes():
            kill(process)

        assert service.settled(file_id)["state"] == "ready"
        assert (service.blobs / f"{file_id}.image").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("limit", "least"), [("extraction_memory_bytes", 128 << 20), ("extraction_seconds", 0.3)], ids=["memory", "time"]
)
def test_an_image_that_takes_too_much_is_too_complex(running: Running, limit: str, least: float) -> None:
    with running(**{limit: least}) as service:
        file = service.settled(service.upload(SLOW)["id"])

    assert file["error"]["code"] == "file_too_complex"
