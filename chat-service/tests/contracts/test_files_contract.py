"""What chat expects of files: whether a turn may name a file, and the texts and images in files."""

import pytest

from chassis.identity import Identity, RemoteKeys
from chassis.neighbours import Neighbour, neighbour_client
from chassis.settings import development_secret
from chat_service.clients.files import Files
from chat_service.problems import FileNotFound
from dev.pacts import Pact, as_service, as_user, contract, match, served

READY = "file_01890a5d000070008000000000000001"
CORRUPT = "file_01890a5d000070008000000000000002"
IMAGE = "file_01890a5d000070008000000000000004"
UNKNOWN = "file_01890a5d000070008000000000000003"
OWNER = "user_1"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
TEXT = "The kettle holds 1.7 litres."


def a_user_finds_a_file(pact: Pact) -> None:
    (
        pact.upon_receiving("a user's question after a file of theirs")
        .given("a file that is ready", {"id": READY, "owner": OWNER, "filename": "kettle.txt", "text": TEXT})
        .with_request("GET", f"/v1/files/{READY}")
        .with_headers(as_user())
        .will_respond_with(200)
        .with_body({"id": READY, "filename": "kettle.txt", "kind": "text", "state": "ready"}, "application/json")
    )


def a_user_finds_no_file(pact: Pact) -> None:
    (
        pact.upon_receiving("a user's question after a file that is unknown, or somebody else's")
        .with_request("GET", f"/v1/files/{UNKNOWN}")
        .with_headers(as_user())
        .will_respond_with(404)
    )


def chat_reads_files(pact: Pact) -> None:
    ready = {
        "id": READY,
        "filename": "kettle.txt",
        "kind": "text",
        "state": "ready",
        "text": match.regex(TEXT, regex=r"The kettle holds 1\.7 litres\.\s*"),
        "truncated": False,
    }
    failed = {
        "id": CORRUPT,
        "filename": "broken.pdf",
        "kind": "text",
        "state": "failed",
        "text": None,
    }
    (
        pact.upon_receiving("chat's question for the texts of two files, one of them unreadable")
        .given("a file that is ready", {"id": READY, "owner": OWNER, "filename": "kettle.txt", "text": TEXT})
        .given("a file that has failed", {"id": CORRUPT, "owner": OWNER, "filename": "broken.pdf"})
        .with_request("POST", "/internal/contents")
        .with_headers(as_service())
        .with_body({"owner": OWNER, "file_ids": [READY, CORRUPT], "wait_seconds": 10.0}, "application/json")
        .will_respond_with(200)
        .with_body({"files": [ready, failed]}, "application/json")
    )


def chat_sees_an_image(pact: Pact) -> None:
    image = {
        "id": IMAGE,
        "filename": "kettle.jpg",
        "kind": "image",
        "state": "ready",
        "text": None,
        "image": {
            "media_type": match.regex("image/png", regex="image/(png|jpeg)"),
            "data": match.regex(PIXEL, regex="[A-Za-z0-9+/]+={0,2}"),
        },
    }
    (
        pact.upon_receiving("chat's question for an image")
        .given("an image that is ready", {"id": IMAGE, "owner": OWNER, "filename": "kettle.jpg"})
        .with_request("POST", "/internal/contents")
        .with_headers(as_service())
        .with_body({"owner": OWNER, "file_ids": [IMAGE], "wait_seconds": 10.0}, "application/json")
        .will_respond_with(200)
        .with_body({"files": [image]}, "application/json")
    )


def chat_reads_no_file(pact: Pact) -> None:
    (
        pact.upon_receiving("chat's question for the text of a file that is unknown, or somebody else's")
        .with_request("POST", "/internal/contents")
        .with_headers(as_service())
        .with_body({"owner": OWNER, "file_ids": [UNKNOWN], "wait_seconds": 0}, "application/json")
        .will_respond_with(404)
    )


async def test_files_are_found_and_read() -> None:
    with contract("chat", "files") as pact:
        for expect in (
            a_user_finds_a_file,
            a_user_finds_no_file,
            chat_reads_files,
            chat_sees_an_image,
            chat_reads_no_file,
        ):
            expect(pact)

        with served(pact) as server:
            async with neighbour_client() as http:
                identity = Identity("chat", RemoteKeys("", http), {"files": development_secret("chat-files")})
                files = Files(Neighbour("files", server.url, http, identity))
                found = await files.find(READY, "the-users-token")
                with pytest.raises(FileNotFound):
                    await files.find(UNKNOWN, "the-users-token")
                ready, failed = await files.texts(OWNER, [READY, CORRUPT], 10.0)
                [seen] = await files.texts(OWNER, [IMAGE], 10.0)
                with pytest.raises(FileNotFound):
                    await files.texts(OWNER, [UNKNOWN], 0)

    assert (found.filename, found.kind, found.state) == ("kettle.txt", "text", "ready")
    assert (ready.state, ready.text, failed.state, failed.text) == ("ready", TEXT, "failed", None)
    assert (seen.kind, seen.text) == ("image", None)
    assert seen.image is not None
    assert seen.image.url == f"data:image/png;base64,{PIXEL}"
