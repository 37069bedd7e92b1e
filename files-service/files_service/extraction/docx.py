"""DOCX in document order: headings as `#`, lists as `-`, tables as Markdown, paragraphs as they are."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from docx import Document
from docx.oxml.ns import qn
from docx.oxml.text.paragraph import CT_P
from docx.table import Table
from docx.text.paragraph import Paragraph

from files_service.extraction.extract import Extract, Job
from files_service.extraction.markdown import rule_below_header, table_row
from files_service.extraction.office import refuse_hostile_parts

PARSERS = ("docx",)
HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
DEEPEST_HEADING = 6

PARAGRAPH, TABLE, TEXT = qn("w:p"), qn("w:tbl"), qn("w:t")
SPACES = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
# What was deleted or moved away, settings, and the second version of a drawing for old programs.
PASSED_OVER = frozenset(
    {
        qn("w:del"),
        qn("w:moveFrom"),
        qn("w:pPr"),
        qn("w:rPr"),
        "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
    }
)


def read(document: BinaryIO, job: Job, extract: Extract) -> None:
    """The body's text; content controls, tracked insertions and text boxes are part of it."""
    refuse_hostile_parts(document)
    docx = Document(document)
    for block in _blocks(docx.element.body, docx):
        if isinstance(block, Table):
            _add_table(block, extract)
        else:
            _add_paragraph(block, extract)


def _blocks(container: Any, parent: Any) -> Iterator[Paragraph | Table]:
    """Paragraphs and tables in order, also those inside content controls and tracked changes."""
    for element in container:
        if element.tag == PARAGRAPH:
            yield Paragraph(element, parent)
        elif element.tag == TABLE:
            yield Table(element, parent)
        elif element.tag not in PASSED_OVER:
            yield from _blocks(element, parent)


def _add_paragraph(paragraph: Paragraph, extract: Extract) -> None:
    text = _text_of(paragraph._p).strip()  # python-docx's own `text` leaves out tracked insertions
    if text:
        extract.add(_prefix(paragraph) + text, end="\n\n" if not _is_list_item(paragraph) else "\n")


def _prefix(paragraph: Paragraph) -> str:
    style = _style_name(paragraph)
    heading = HEADING.match(style)
    if style == "Title" or heading:
        return "#" * min(int(heading[1]) if heading else 1, DEEPEST_HEADING) + " "
    return "- " if _is_list_item(paragraph) else ""


def _is_list_item(paragraph: Paragraph) -> bool:
    properties = paragraph._p.pPr  # python-docx has no words for numbering
    numbered = properties is not None and properties.numPr is not None
    style = _style_name(paragraph)
    return (numbered and not HEADING.match(style)) or style.startswith("List")


def _style_name(paragraph: Paragraph) -> str:
    return (paragraph.style.name if paragraph.style is not None else None) or ""


def _text_of(element: Any) -> str:
    pieces: list[str] = []
    _gather(element, pieces)
    return "".join(pieces)


def _gather(element: Any, pieces: list[str]) -> None:
    for child in element:
        if child.tag == TEXT:
            pieces.append(child.text or "")
        elif child.tag in SPACES:
            pieces.append(SPACES[child.tag])
        elif child.tag not in PASSED_OVER:
            if isinstance(child, CT_P) and pieces:  # a paragraph inside a text box or a cell
                pieces.append("\n")
            _gather(child, pieces)


def _add_table(table: Table, extract: Extract) -> None:
    """The first row becomes the header. A cell that spans several columns is written once; `rows` would repeat it."""
    extract.mark("")
    rows = [[_text_of(cell) for cell in row.tc_lst] for row in table._tbl.tr_lst]
    for number, cells in enumerate(row for row in rows if any(row)):
        extract.add(table_row(cells))
        if number == 0:
            extract.mark(rule_below_header(len(cells)))
    extract.mark("")
