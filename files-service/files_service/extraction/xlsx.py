"""XLSX: each sheet under `## Sheet: name` as a Markdown table of what its cells show."""

import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

from openpyxl import load_workbook  # type: ignore[import-untyped]
from openpyxl.cell.read_only import EMPTY_CELL  # type: ignore[import-untyped]

from files_service.extraction.cell_values import shown
from files_service.extraction.extract import Extract, Job
from files_service.extraction.markdown import rule_below_header, table_row
from files_service.extraction.office import refuse_hostile_parts

PARSERS = ("openpyxl",)

Cells = dict[int, str]
"""The text of one row's cells by column; empty cells are not in it."""


def read(document: BinaryIO, job: Job, extract: Extract) -> None:
    """Every sheet in order. Rows and columns without any text are left out."""
    refuse_hostile_parts(document)
    warnings.simplefilter("ignore")  # about parts of workbooks that openpyxl does not keep
    workbook = load_workbook(document, read_only=True, data_only=True, keep_links=False)
    extract.pages = len(workbook.worksheets)
    for sheet in workbook.worksheets:
        # What the sheet says of its own size may be a lie.
        sheet.reset_dimensions()
        extract.mark(f"## Sheet: {sheet.title}\n")
        _add_table(_rows(sheet, extract.room), extract)


def _rows(sheet: Any, room: int) -> Iterator[Cells]:
    """Rows with text in them, until there is more text than fits anyway."""
    for row in sheet.iter_rows():
        cells = {cell.column: text for cell in row if cell is not EMPTY_CELL and (text := shown(cell))}
        if cells:
            yield cells
            room -= sum(map(len, cells.values()))
        if room < 0:
            return


def _add_table(rows: Iterator[Cells], extract: Extract) -> None:
    table = list(rows)
    columns = sorted({column for cells in table for column in cells})
    for number, cells in enumerate(table):
        extract.add(table_row(cells.get(column, "") for column in columns))
        if number == 0:
            extract.mark(rule_below_header(len(columns)))
    extract.mark("")
