"""Everything that can differ between two deployments of files."""

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings, development_secret

MIB = 1024 * 1024
ROOM_FOR_FORM = 64 * 1024
"""Bytes of a multipart body that are not the file: boundaries, headers, small fields."""


class Settings(ServiceSettings):
    max_body_bytes: int = Field(11 * MIB, ge=1_000, description="Largest request body; a file always fits.")
    auth_url: str = Field("http://127.0.0.1:8001", description="Where auth publishes the keys of access tokens.")
    secret_chat_files: SecretStr = Field(development_secret("chat-files"), description="Signs what chat asks of files.")
    secret_auth_files: SecretStr = Field(
        development_secret("auth-files"), description="Signs what auth says of merged and erased accounts."
    )
    max_file_bytes: int = Field(
        10 * MIB, ge=1, description="Largest file that is taken; GATEWAY_MAX_UPLOAD has to let it through."
    )
    max_files_waiting: int = Field(200, ge=1, description="Files that may wait to be read; then 429.")
    extraction_workers: int = Field(0, ge=0, le=64, description="Files read at once; 0: one less than cores.")
    extraction_memory_bytes: int = Field(768 * MIB, ge=128 * MIB, description="Address space of a reading process.")
    extraction_cpu_seconds: int = Field(10, ge=1, description="CPU time of a reading process.")
    extraction_seconds: float = Field(15, gt=0, description="Wall time of a reading process.")
    extraction_document_seconds: float = Field(60, gt=0, description="Wall time of a long document.")
    max_text_bytes: int = Field(2_000_000, ge=1_000, description="Text kept of a file (UTF-8); the rest is cut off.")
    image_side: int = Field(2048, ge=64, le=4096, description="Longest side, in pixels, of an image as models get it.")

    @property
    def largest_body(self) -> int:
        """MAX_BODY_BYTES, or what a file of the largest size needs."""
        return max(self.max_body_bytes, self.max_file_bytes + ROOM_FOR_FORM)
