"""PDF: the text of each page after a line `[page N]`, in the order in which the pages' contents were drawn."""

from typing import BinaryIO

from pypdf import PdfReader
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
            extract.add(_text_of_page(pdf, number, extract))
    except LimitReachedError:
        raise Unreadable(Failure.TOO_COMPLEX) from None
    except FileNotDecryptedError:
        raise Unreadable(Failure.ENCRYPTED) from None


def _text_of_page(pdf: PdfReader, number: int, extract: Extract) -> str:
    try:
        return tidy(pdf.pages[number - 1].extract_text())
    except (LimitReachedError, MemoryError, RecursionError):
        raise
    except Exception:  # one damaged page does not take the others away
        extract.truncated = True
        return ""
