"""`/v1/files` as OpenAI's SDK and other clients use it."""

import openai
import pytest

from chassis.ids import new_id

from ..conftest import FilesService, Running
from ..documents import CAIRO_REPORT, pdf, workbook


def test_the_openai_sdk_uploads_waits_reads_lists_and_deletes(service: FilesService) -> None:
    client = service.sdk()

    with CAIRO_REPORT.open("rb") as report:
        file = client.files.create(file=report, purpose="user_data")
    done = client.files.wait_for_processing(file.id, poll_interval=0.02)

    assert (file.object, file.status, file.purpose) == ("file", "uploaded", "user_data")
    assert (done.status, done.status_details, done.expires_at) == ("processed", None, None)
    assert (done.filename, done.bytes) == ("report_by_cairo.pdf", CAIRO_REPORT.stat().st_size)
    assert client.files.content(file.id).content == CAIRO_REPORT.read_bytes()
    assert [listed.id for listed in client.files.list()] == [file.id]
    deleted = client.files.delete(file.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (file.id, "file", True)
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_the_sdks_wait_ends_for_a_file_that_cannot_be_read(service: FilesService) -> None:
    client = service.sdk()
    file = client.files.create(file=("a.pdf", b"%PDF-1.7 and nothing more"), purpose="assistants")

    done = client.files.wait_for_processing(file.id, poll_interval=0.02)

    assert (done.status, done.status_details) == ("error", "The file is damaged and cannot be read.")
    assert done.to_dict()["error"] == {"code": "file_corrupt", "message": done.status_details}


def test_a_ready_file_tells_its_type_pages_and_tokens(service: FilesService) -> None:
    file = service.settled(service.upload(workbook(), "no-ending")["id"])

    assert file["media_type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert (file["state"], file["pages"], file["truncated"], file["error"]) == ("ready", 2, False, None)
    assert file["tokens"] > 20


def test_the_text_of_a_file_in_work_or_failed_is_a_conflict(running: Running) -> None:
    with running(extraction_workers=1) as service:
        failed = service.upload(b"%PDF-1.7 broken")["id"]
        waiting = service.upload(pdf(["a page"]))["id"]

        in_work = service.get(f"/{waiting}/text")
        service.settled(failed)
        broken = service.get(f"/{failed}/text")

    assert (in_work.status_code, in_work.json()["code"], in_work.headers["retry-after"]) == (409, "file_not_ready", "1")
    assert (broken.status_code, broken.json()["code"]) == (409, "file_failed")


def test_a_download_is_an_attachment_that_no_browser_shows(service: FilesService) -> None:
    page = b"<script>alert(1)</script>"
    file = service.upload(page, "päge.html")

    answer = service.get(f"/{file['id']}/content")

    assert answer.content == page
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''p%C3%A4ge.html")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")


@pytest.mark.parametrize(
    ("name", "plain"),
    [("report 1911.pdf", "report 1911.pdf"), ("päge.html", None), ('a"b;c.txt', None), (".netrc", None)],
)
def test_a_download_has_its_name_for_simple_clients_too_where_that_is_safe(
    service: FilesService, name: str, plain: str | None
) -> None:
    file = service.upload(b"text", name)

    disposition = service.get(f"/{file['id']}/content").headers["content-disposition"]

    assert disposition.startswith(f'attachment; filename="{plain or file["id"]}"; ')


def test_a_list_is_walked_page_by_page_in_either_order_and_by_purpose(service: FilesService) -> None:
    ids = [service.upload(b"text %d" % number)["id"] for number in range(5)]
    other = service.post(b"text", purpose="assistants").json()["id"]

    first = service.get("", limit=2, order="asc").json()
    second = service.get("", limit=2, order="asc", after=first["last_id"]).json()
    newest = service.get("", limit=1).json()
    assistants = service.get("", purpose="assistants").json()

    assert [file["id"] for file in first["data"] + second["data"]] == ids[:4]
    assert first["has_more"]
    assert [file["id"] for file in newest["data"]] == [other]
    assert [file["id"] for file in assistants["data"]] == [other]
    assert not assistants["has_more"]


def test_foreign_files_and_missing_ones_are_the_same_404(service: FilesService) -> None:
    file_id = service.upload(b"mine")["id"]
    service.settled(file_id)

    for unknown in (file_id, new_id("file"), "nonsense"):
        for path in (f"/{unknown}", f"/{unknown}/content", f"/{unknown}/text"):
            answer = service.get(path, user_id="user_2")
            assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found"), path
        assert service.delete(unknown, user_id="user_2").json()["code"] == "file_not_found"
    assert service.get("", user_id="user_2").json()["data"] == []
    assert service.get("", user_id="user_2", after=file_id, order="asc").json()["data"] == []
    assert service.get(f"/{file_id}/content").content == b"mine"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "", "files:read"),
        ("DELETE", "/file_1", "files:read chat:write"),
        ("GET", "", "files:write"),
        ("GET", "/file_1", "chat:read"),
        ("GET", "/file_1/content", "files:write"),
        ("GET", "/file_1/text", "files:write"),
    ],
)
def test_each_route_needs_its_scope(service: FilesService, method: str, path: str, scope: str) -> None:
    answer = service.http.request(method, f"/v1/files{path}", headers=service.auth.headers(scope=scope))

    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert service.http.request(method, f"/v1/files{path}").status_code == 401


def test_a_deleted_file_leaves_no_bytes_behind(service: FilesService) -> None:
    canary = b"canary-8b1f " * 50
    file_id = service.upload(canary)["id"]
    service.settled(file_id)

    service.delete(file_id)

    data = service.blobs.parent
    assert list(service.blobs.iterdir()) == []
    with_canary = [path for path in data.rglob("*") if path.is_file() and b"canary-8b1f" in path.read_bytes()]
    # The write-ahead log still holds the old page until the next checkpoint.
    assert [path.name for path in with_canary if not path.name.endswith("-wal")] == []
