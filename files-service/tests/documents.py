"""Documents made for the tests: honest ones, damaged ones and hostile ones."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import docx
import openpyxl  # type: ignore[import-untyped]
from pypdf import PdfReader, PdfWriter

CAIRO_REPORT = Path(__file__).parent / "fixtures" / "report_by_cairo.pdf"

CONTENT_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document2.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)
RELATIONSHIPS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
    ' Target="word/document2.xml"/></Relationships>'
)
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def pdf(pages: Iterable[str], *, compress: bool = False) -> bytes:
    """A PDF of one line a page, written by hand; an empty line makes a page without text."""
    drawn = [f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("cp1252") if text else b"" for text in pages]
    return _pdf_of_streams([zlib.compress(page) for page in drawn] if compress else drawn, compressed=compress)


def pdf_form() -> bytes:
    """A page with a text field and a pair of radio buttons of which one is chosen."""
    widget = "<< /Type /Annot /Subtype /Widget /Rect [72 700 272 720]"
    page = b"BT /F1 12 Tf 72 740 Td (Application) Tj ET"
    return _numbered(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count 1 /Kids [4 0 R] >>",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Annots [6 0 R 8 0 R 9 0 R]"
            b" /Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(page)} >>\nstream\n".encode() + page + b"\nendstream",
            f"{widget} /FT /Tx /T (applicant) /V (Henrietta Vance) >>".encode(),
            b"<< /FT /Btn /T (berth) /V /aft /Kids [8 0 R 9 0 R] >>",
            f"{widget} /Parent 7 0 R /AS /aft >>".encode(),
            f"{widget} /Parent 7 0 R /AS /Off >>".encode(),
        ]
    )


def pdf_bomb(unpacked_bytes: int = 100_000_000) -> bytes:
    """A page whose content unpacks hundredfold: 100 MB is refused at once, 20 MB keeps a parser busy for seconds."""
    packer = zlib.compressobj(1)
    block = b"BT /F1 12 Tf (x) Tj ET " * 100_000
    return _pdf_of_streams(
        [b"".join(packer.compress(block) for _ in range(unpacked_bytes // len(block))) + packer.flush()],
        compressed=True,
    )


def encrypted_pdf(user_password: str) -> bytes:
    """AES-256, as current programs write it; with an empty user password everyone may read."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(["Only for the board"]))))
    writer.encrypt(user_password, owner_password="the owner's", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def word_document() -> bytes:
    """A heading, a paragraph, a list and a table with a merged cell, by python-docx."""
    document = docx.Document()
    document.add_heading("Minutes", 1)
    document.add_paragraph("The board met on 3 June.")
    document.add_heading("Decisions", 2)
    document.add_paragraph("buy the boat", style="List Bullet")
    document.add_paragraph("paint it green", style="List Number")
    table = document.add_table(3, 2)
    for row, values in enumerate((("Item", "Cost"), ("Boat | used", "9,000"))):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    table.cell(2, 0).merge(table.cell(2, 1)).text = "all paid"
    document.add_paragraph("Signed: Ada Örn")
    return _saved(document)


def raw_word_document(body: str, **more_parts: str) -> bytes:
    """A DOCX zipped by hand, its main part named as some online editors name it; `body` is WordprocessingML."""
    parts = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": RELATIONSHIPS,
        "word/document2.xml": f"<w:document {WORD}><w:body>{body}</w:body></w:document>",
        **more_parts,
    }
    return archive(parts)


def workbook() -> bytes:
    """Two sheets with text, numbers in several formats, a date and a gap."""
    book = openpyxl.Workbook()
    prices = book.active
    assert prices is not None
    prices.title = "Prices"
    prices.append(["Item", "Price", "Share", None, "Since"])
    prices.append(["Rope", 1234.5, 0.256, None, date(2025, 3, 14)])
    prices.append(["Anchor", -80, 1, None, None])
    for row in (2, 3):
        prices.cell(row, 2).number_format = '#,##0.00 "€"'
        prices.cell(row, 3).number_format = "0.0%"
    prices["A6"] = "Total"
    prices["B6"] = 1154.5
    notes = book.create_sheet("Notes")
    notes["C3"] = "check the rope"
    return _saved(book)


def archive(parts: dict[str, str]) -> bytes:
    """A zip of these parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return buffer.getvalue()


def zip_bomb(unpacked_bytes: int = 40_000_000) -> bytes:
    """A DOCX with a part that unpacks a thousandfold."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("[Content_Types].xml", CONTENT_TYPES)
        with zipped.open("word/document2.xml", "w", force_zip64=True) as part:
            for _ in range(unpacked_bytes // 1_000_000):
                part.write(bytes(1_000_000))
    return buffer.getvalue()


def overlapping_zip(entries: int = 100) -> bytes:
    """A zip whose directory names the same bytes again and again."""
    whole = archive({"[Content_Types].xml": CONTENT_TYPES})
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    directory = whole[start:end] * entries
    record = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(directory), start, 0)
    return whole[:start] + directory + record


def _pdf_of_streams(streams: list[bytes], *, compressed: bool) -> bytes:
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(streams)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(streams)} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, stream in enumerate(streams):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        how = " /Filter /FlateDecode" if compressed else ""
        objects.append(f"<< /Length {len(stream)}{how} >>\nstream\n".encode() + stream + b"\nendstream")
    return _numbered(objects)


def _numbered(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


def _saved(document: docx.document.Document | openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()
