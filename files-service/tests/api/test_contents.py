"""`/internal/contents` as chat uses it."""

import threading
import time
from typing import Any

import pytest

from chassis.ids import new_id

from ..conftest import FilesService, Running
from ..documents import pdf


def test_chat_gets_the_texts_in_the_order_it_asked(service: FilesService) -> None:
    first, second = (service.upload(text)["id"] for text in (b"first text", b"second text"))

    started = time.monotonic()
    answer = service.contents(second, first, wait_seconds=10)

    assert time.monotonic() - started < 8
    assert [(file["id"], file["state"], file["text"]) for file in answer.json()["files"]] == [
        (second, "ready", "second text"),
        (first, "ready", "first text"),
    ]
    [one] = service.contents(first).json()["files"]
    assert one == {
        "id": first,
        "filename": "a.txt",
        "kind": "text",
        "media_type": "text/plain",
        "state": "ready",
        "text": "first text",
        "image": None,
        "tokens": 3,
        "truncated": False,
        "error_code": None,
    }


def test_without_waiting_the_answer_tells_how_far_a_file_is(service: FilesService) -> None:
    file_id = service.upload(pdf(["a page"]))["id"]

    [file] = service.contents(file_id).json()["files"]

    assert file["state"] in ("uploaded", "processing")
    assert (file["text"], file["tokens"]) == (None, None)


def test_the_wait_ends_when_its_time_is_up(running: Running) -> None:
    with running(extraction_workers=1) as service:
        files = [service.upload(pdf(["a page"]))["id"] for _ in range(3)]
        started = time.monotonic()
        states = [file["state"] for file in service.contents(*files, wait_seconds=0.1).json()["files"]]

    assert time.monotonic() - started < 2
    assert states[-1] == "uploaded"


@pytest.mark.parametrize("unknown", [new_id("file"), "x"])
def test_one_unknown_file_refuses_the_whole_question(service: FilesService, unknown: str) -> None:
    mine = service.upload(b"mine")["id"]

    answer = service.contents(mine, unknown, wait_seconds=5)

    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


def test_the_owner_named_in_the_question_counts(service: FilesService) -> None:
    mine = service.upload(b"mine")["id"]

    assert service.contents(mine, owner="user_2").json()["code"] == "file_not_found"


def test_a_file_deleted_during_the_wait_ends_it(running: Running) -> None:
    with running(extraction_workers=1) as service:
        files = [service.upload(pdf(["a page"] * 30))["id"] for _ in range(4)]
        deleting = threading.Timer(0.1, lambda: service.delete(files[-1]))
        deleting.start()
        started = time.monotonic()
        answer = service.contents(files[-1], wait_seconds=10)
        waited = time.monotonic() - started
        deleting.join()

    assert waited < 8
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


def test_only_chat_may_ask(service: FilesService) -> None:
    file_id = service.upload(b"mine")["id"]
    question = {"owner": "user_1", "file_ids": [file_id]}

    as_user = service.http.post("/internal/contents", json=question, headers=service.auth.headers())
    as_memory = service.contents(file_id, caller="memory")
    as_nobody = service.http.post("/internal/contents", json=question)

    assert {answer.status_code for answer in (as_user, as_memory, as_nobody)} == {401}


@pytest.mark.parametrize(
    "changes",
    [
        {"file_ids": ["x"], "wait_seconds": 11},
        {"file_ids": ["x"], "wait_seconds": -1},
        {"file_ids": []},
        {"file_ids": ["x"] * 65},
        {"owner": ""},
    ],
)
def test_a_question_out_of_bounds_is_refused(service: FilesService, changes: dict[str, Any]) -> None:
    assert service.contents(**changes).status_code == 422


def test_an_unknown_field_is_refused(service: FilesService) -> None:
    answer = service.contents("file_1", as_admin=True)

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
