"""Documents become text in the background, over the running service."""

import json

import pytest

from ..conftest import FilesService, Running
from ..documents import CAIRO_REPORT, encrypted_pdf, pdf, pdf_bomb, raw_word_document, word_document, workbook
from ..fixtures.report_by_cairo import PAGES


def test_a_pdf_made_by_other_software_yields_every_line_under_its_page(service: FilesService) -> None:
    text = service.text(CAIRO_REPORT.read_bytes(), "report.pdf")

    expected = [line for number, lines in enumerate(PAGES, 1) for line in (f"[page {number}]", *lines)]
    assert text.split("\n") == [*expected, ""]


def test_a_long_pdf_is_read_in_several_processes_and_keeps_its_page_numbers(service: FilesService) -> None:
    long = pdf(f"This is leaf {number}" for number in range(1, 91))

    text = service.text(long)

    assert text.count("[page ") == 90
    for number in (1, 40, 41, 80, 81, 90):
        assert f"[page {number}]\nThis is leaf {number}\n" in text


def test_a_word_document_keeps_its_order_headings_lists_and_tables(service: FilesService) -> None:
    assert service.text(word_document()) == (
        "# Minutes\n\nThe board met on 3 June.\n\n## Decisions\n\n- buy the boat\n- paint it green\n\n"
        "| Item | Cost |\n| --- | --- |\n| Boat \\| used | 9,000 |\n| all paid |\n\nSigned: Ada Örn\n"
    )


def test_a_workbook_becomes_a_table_a_sheet_with_values_as_people_see_them(service: FilesService) -> None:
    assert service.text(workbook()) == (
        "## Sheet: Prices\n\n| Item | Price | Share | Since |\n| --- | --- | --- | --- |\n"
        "| Rope | 1,234.50 € | 25.6% | 2025-03-14 |\n| Anchor | -80.00 € | 100.0% |  |\n| Total | 1154.5 |  |  |\n\n"
        "## Sheet: Notes\n\n| check the rope |\n| --- |\n"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_text_file_is_kept_as_it_is_whatever_its_encoding(service: FilesService, encoding: str) -> None:
    text = "# Größe\n\n\n\n  indented – “quoted”  \nend"

    assert service.text(text.replace("\n", "\r\n").encode(encoding), "notes.md") == text


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"%PDF-1.7\nand then garbage", "file_corrupt"),
        (CAIRO_REPORT.read_bytes()[:900], "file_corrupt"),
        (encrypted_pdf("secret"), "file_encrypted"),
        (pdf(["", ""]), "file_has_no_text"),
        (b" \n\t\n", "file_has_no_text"),
        (pdf_bomb(), "file_too_complex"),
        (raw_word_document("<w:p><w:r><w:t>not closed"), "file_corrupt"),
        (raw_word_document("", **{"word/styles.xml": "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><x>&a;</x>"}), "file_corrupt"),
        (raw_word_document("<w:p/>"), "file_has_no_text"),
    ],
    ids=["garbage", "cut", "encrypted", "no text", "blank", "bomb", "bad xml", "entities", "empty docx"],
)
def test_what_cannot_be_read_fails_with_a_code_and_never_becomes_text(
    service: FilesService, content: bytes, code: str
) -> None:
    file = service.settled(service.upload(content)["id"])

    assert (file["state"], file["status"], file["error"]["code"]) == ("failed", "error", code)
    assert (file["pages"], file["tokens"]) == (None, None)
    [contents] = service.contents(file["id"]).json()["files"]
    assert (contents["text"], contents["error_code"]) == (None, code)


def test_a_pdf_that_only_forbids_printing_is_read(service: FilesService) -> None:
    assert "Only for the board" in service.text(encrypted_pdf(""))


def test_text_beyond_the_limit_is_cut_and_says_so(running: Running) -> None:
    with running(max_text_bytes=1000) as service:
        file = service.settled(service.upload("ä".encode() * 2000)["id"])
        text = service.get(f"/{file['id']}/text").json()
        pages = service.settled(service.upload(pdf(f"leaf {number} " + "word " * 9 for number in range(60)))["id"])

    assert (file["state"], file["truncated"], text["truncated"]) == ("ready", True, True)
    assert text["text"] == "ä" * 500
    assert (pages["truncated"], pages["pages"]) == (True, 60)


def test_a_damaged_page_does_not_take_the_others_away(service: FilesService) -> None:
    damaged = pdf(["first", "second", "third"], compress=True)
    second = damaged.index(b"stream\n", damaged.index(b"endstream")) + len(b"stream\n")
    damaged = damaged[: second + 2] + b"\xff" * 12 + damaged[second + 14 :]

    file = service.settled(service.upload(damaged)["id"])

    text = service.get(f"/{file['id']}/text").json()["text"]
    assert "first" in text
    assert "third" in text
    assert "second" not in text


def test_the_text_goes_out_as_json_that_any_client_reads(service: FilesService) -> None:
    file_id = service.upload("a\u2028b \U0001f6a2".encode())["id"]
    service.settled(file_id)

    answer = service.get(f"/{file_id}/text")

    assert json.loads(answer.content)["text"] == "a\u2028b \U0001f6a2"
