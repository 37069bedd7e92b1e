"""PDF: the text of each page after a line `[page N]`, in the order in which the pages' contents were drawn."""

from collections.abc import Callable
from typing import BinaryIO

from pypdf import PageObject, PdfReader
from pypdf.errors import FileNotDecryptedError, LimitReachedError

from files_service.extraction.extract import Extract, Job, Unreadable, tidy
from files_service.failures import Failure

PARSERS = ("pypdf",)


def read(document: BinaryIO, job: Job, extract: Extract) -> None:
    """Reads `job.most_pages` from `job.first_page` on. A page that cannot be read is left out and told."""
    try:
        pdf = PdfReader(document)  # tries the empty password by itself
        extract.pages = len(pdf.pages)
        last_page = min(job.first_page + job.most_pages - 1, extract.pages)
        extract.next_page = last_page + 1 if last_page < extract.pages else None
        for number in range(job.first_page, last_page + 1):
            extract.mark(f"[page {number}]")
            extract.add(_unless_damaged(_drawn_on, pdf, number, extract))
            if filled_in := _unless_damaged(_filled_in_on, pdf, number, extract):
                extract.add(filled_in)
    except LimitReachedError:
        raise Unreadable(Failure.TOO_COMPLEX) from None
    except FileNotDecryptedError:
        raise Unreadable(Failure.ENCRYPTED) from None


def _unless_damaged(text_of: Callable[[PageObject], str], pdf: PdfReader, number: int, extract: Extract) -> str:
    try:
        return tidy(text_of(pdf.pages[number - 1]))
    except (LimitReachedError, MemoryError, RecursionError):
        raise
    except Exception:  # one damaged page does not take the others away
        extract.truncated = True
        return ""


def _drawn_on(page: PageObject) -> str:
    return page.extract_text()


def _filled_in_on(page: PageObject) -> str:
    """What stands in the fields of a form, as `name: value`; it is not among what the page draws."""
    lines = []
    for annotation in page.annotations or ():
        widget = annotation.get_object()
        if widget.get("/Subtype") != "/Widget" or widget.get("/AS") == "/Off":
            continue
        field = widget if "/T" in widget or "/Parent" not in widget else widget["/Parent"]
        value = widget.get("/V", field.get("/V"))
        if isinstance(value, str) and value not in ("", "/Off"):
            lines.append(f"{field.get('/TU') or field.get('/T')}: {value.removeprefix('/')}")
    return "\n".join(lines)
