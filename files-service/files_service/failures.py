"""Why nothing came of a file, though it was taken: the codes of the state `failed`, and what they say to people."""

from enum import StrEnum


class Failure(StrEnum):
    """Values are API: they stand in `error.code` of a file."""

    CORRUPT = "file_corrupt"
    ENCRYPTED = "file_encrypted"
    TOO_COMPLEX = "file_too_complex"
    NO_TEXT = "file_has_no_text"
    IMAGE_TOO_LARGE = "image_too_large"
    NOT_PROCESSED = "file_processing_failed"


MESSAGES: dict[str, str] = {
    Failure.CORRUPT: "The file is damaged and cannot be read.",
    Failure.ENCRYPTED: "The file is protected with a password.",
    Failure.TOO_COMPLEX: "The file takes more time or memory to read than this server allows.",
    Failure.NO_TEXT: "No text was found in the file; it may hold only scanned images.",
    Failure.IMAGE_TOO_LARGE: "The image has more than 25 megapixels.",
    Failure.NOT_PROCESSED: "Reading the file was tried several times and did not come to an end.",
}
