"""The reading process: a document on stdin, one JSON answer on stdout, and no way out in between."""

import errno
import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import BinaryIO, Protocol, cast

from files_service.extraction.extract import Answer, Extract, Full, Job, Unreadable, tidy
from files_service.failures import Failure

READERS = {
    "pdf": "files_service.extraction.pdf",
    "docx": "files_service.extraction.docx",
    "xlsx": "files_service.extraction.xlsx",
    "text": "files_service.extraction.text",
    "image": "files_service.extraction.images",
}
LOWEST_PRIORITY = 19
STANDARD_STREAMS = 3


class Reader(Protocol):
    """A module that knows one kind of document."""

    PARSERS: tuple[str, ...]

    def read(self, document: BinaryIO, job: Job, extract: Extract) -> None: ...


def main() -> None:
    """`python -m files_service.extraction.child '{"reader": "pdf", …}' < document`"""
    job = Job(**json.loads(sys.argv[1]))
    reader = cast(Reader, importlib.import_module(READERS[job.reader]))
    for package in (*reader.PARSERS, "encodings"):
        _load_all(package)
    _confine(job)
    answer = json.dumps(asdict(_read(reader, job)), ensure_ascii=False)
    sys.stdout.buffer.write(answer.encode())
    sys.stdout.buffer.flush()


def _load_all(package: str) -> None:
    """Imports what the parser would import only when a document needs it: then, no file can be opened any more."""
    modules_inside = getattr(importlib.import_module(package), "__path__", ())
    for module in pkgutil.walk_packages(modules_inside, f"{package}."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):  # optional parts of the library
                importlib.import_module(module.name)


def _confine(job: Job) -> None:
    os.nice(LOWEST_PRIORITY)
    signal.setitimer(signal.ITIMER_REAL, job.wall_seconds)  # for the case that nobody is left to kill us
    for what, soft, hard in (
        (resource.RLIMIT_AS, job.memory_bytes, job.memory_bytes),
        # The soft limit's signal tells running out of time from other deaths.
        (resource.RLIMIT_CPU, job.cpu_seconds, job.cpu_seconds + 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_NOFILE, STANDARD_STREAMS, STANDARD_STREAMS),
    ):
        resource.setrlimit(what, (soft, hard))


def _read(reader: Reader, job: Job) -> Answer:
    extract = Extract(room=job.text_bytes)
    try:
        with suppress(Full):
            reader.read(sys.stdin.buffer, job, extract)
    except Unreadable as unreadable:
        return Answer(failure=unreadable.failure)
    except (MemoryError, RecursionError):
        return Answer(failure=Failure.TOO_COMPLEX)
    except Exception as error:  # a parser meets anything in a damaged document
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            raise  # not the document's fault: `_load_all` forgot something, or the parser was made to open a file
        return Answer(failure=Failure.CORRUPT)
    return Answer(
        text=extract.text if job.reader == "text" else tidy(extract.text) + "\n",
        pages=extract.pages,
        next_page=extract.next_page if extract.room else None,
        truncated=extract.truncated,
        has_words=extract.has_words,
        picture=extract.picture,
    )


if __name__ == "__main__":
    main()
