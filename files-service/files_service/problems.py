"""Every way in which files can refuse; codes are API. Why a file could not be read is in `failures.py`."""

from typing import ClassVar

from chassis.problems import BadRequest, Conflict, NotFound, PayloadTooLarge, Problem, TooManyRequests, Unprocessable


class UnknownFile(NotFound):
    code = "file_not_found"
    detail = "There is no such file."


class MalformedUpload(BadRequest):
    code = "invalid_multipart"
    detail = "The body is not a well-formed multipart/form-data upload."


class FileRequired(BadRequest):
    code = "file_required"
    detail = "The form needs exactly one part named `file`."


class FileEmpty(BadRequest):
    code = "file_empty"
    detail = "The file has no bytes."


class FileTooLarge(PayloadTooLarge):
    code = "file_too_large"
    detail = "The file is larger than this server takes."


class UnsupportedParameter(BadRequest):
    code = "unsupported_parameter"
    detail = "The API knows this field, this server does not do it."


class UnsupportedFileType(Problem):
    status: ClassVar[int] = 415
    code = "unsupported_file_type"
    detail = (
        "This kind of file is not supported: PDF, DOCX, XLSX and text files are, and PNG, JPEG, WebP and GIF images."
    )


class FileTooComplex(Unprocessable):
    code = "file_too_complex"
    detail = "The file unpacks to more than this server reads."


class QueueFull(TooManyRequests):
    code = "too_many_files_waiting"
    detail = "Too many files are waiting to be read; try again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"retry-after": "10"})


class FileNotReady(Conflict):
    code = "file_not_ready"
    detail = "The file is still being read."

    def __init__(self) -> None:
        super().__init__(headers={"retry-after": "1"})


class FileIsImage(Conflict):
    code = "file_is_image"
    detail = "The file is an image and has no text."


class FileFailed(Conflict):
    code = "file_failed"
    detail = "The file could not be read."
