"""What readers make of details of documents that other programs write."""

import io
from types import ModuleType

import openpyxl  # type: ignore[import-untyped]
import pytest

from files_service.extraction import docx, pdf, xlsx
from files_service.extraction.cell_values import shown
from files_service.extraction.extract import Extract, Full, Job, tidy

from ..documents import pdf_form, raw_word_document

JOB = Job("", text_bytes=100_000, memory_bytes=0, cpu_seconds=0, wall_seconds=0)


def text_of(reader: ModuleType, document: bytes) -> str:
    extract = Extract(room=100_000)
    reader.read(io.BytesIO(document), JOB, extract)
    return tidy(extract.text)


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_what_was_filled_into_a_form_is_read() -> None:
    assert text_of(pdf, pdf_form()) == "[page 1]\nApplication\napplicant: Henrietta Vance\nberth: aft"


def test_a_damaged_form_does_not_take_the_page_away() -> None:
    damaged = pdf_form().replace(b"/Parent 7 0 R", b"/Parent     7")

    assert text_of(pdf, damaged).startswith("[page 1]\nApplication")


def test_tracked_changes_read_as_if_accepted() -> None:
    body = (
        "<w:p><w:r><w:t>The price is </w:t></w:r><w:ins><w:r><w:t>12</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>10</w:delText><w:tab/></w:r></w:del><w:r><w:t> euros</w:t></w:r></w:p>"
    )

    assert text_of(docx, raw_word_document(body)) == "The price is 12 euros"


def test_text_in_content_controls_and_tabs_and_breaks_is_kept() -> None:
    body = (
        f"<w:sdt><w:sdtContent>{paragraph('inside')}</w:sdtContent></w:sdt>"
        "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>"
    )

    assert text_of(docx, raw_word_document(body)) == "inside\n\na\tb\nc"


def test_a_table_inside_a_table_keeps_its_words() -> None:
    inner = f"<w:tbl><w:tr><w:tc>{paragraph('inner')}</w:tc></w:tr></w:tbl>"
    body = f"<w:tbl><w:tr><w:tc>{paragraph('outer')}{inner}<w:p/></w:tc></w:tr></w:tbl>"

    assert text_of(docx, raw_word_document(body)) == "| outer inner |\n| --- |"


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (1234.5, "General", "1234.5"),
        (0.1 + 0.2, "General", "0.3"),
        (1e21, "General", "1e+21"),
        (12, "General", "12"),
        (1234.5, "#,##0.00", "1,234.50"),
        (1234.5, "0", "1234"),
        (-3.14159, "0.00;[Red]-0.00", "-3.14"),
        (0.0512, "0.0%", "5.1%"),
        (99, "[$€-407]#,##0.00", "€99.00"),
        (99, '#,##0.00\\ "kg"', "99.00 kg"),
        (5, "_-* #,##0_-;-* #,##0_-", "5"),
        (12345, "0.00E+00", "12345"),
        (0.5, "# ?/?", "0.5"),
        (True, "General", "TRUE"),
    ],
)
def test_a_number_looks_as_its_format_shows_it(value: float, number_format: str, text: str) -> None:
    book = openpyxl.Workbook()
    cell = book.active.cell(1, 1, value)
    cell.number_format = number_format

    assert shown(cell) == text


def test_a_cell_far_away_does_not_blow_the_table_up() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "here"
    book.active["XFD1048576"] = "there"
    buffer = io.BytesIO()
    book.save(buffer)

    assert text_of(xlsx, buffer.getvalue()) == "## Sheet: Sheet\n\n| here |  |\n| --- | --- |\n|  | there |"


def test_text_is_cut_at_a_whole_character() -> None:
    extract = Extract(room=5)

    with pytest.raises(Full):
        extract.add("äöü")

    assert (extract.text, extract.truncated) == ("äö", True)


def test_control_characters_and_halves_of_characters_do_not_become_text() -> None:
    extract = Extract(room=100)

    extract.add("a\0b\x1bc\ud800d\r\ne")

    assert extract.text == "abcd\ne\n"
