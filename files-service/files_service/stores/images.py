"""What an image became: its measures. The pixels lie beside its blob."""

from dataclasses import dataclass

from chassis.database import Transaction


@dataclass(frozen=True)
class ImageRecord:
    """A row of `images`: type and measures of the image made anew, not of the file it was made from."""

    media_type: str
    width: int
    height: int


class Images:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put(self, file_id: str, image: ImageRecord) -> None:
        """Keeps what a file became."""
        self._tx.run(
            "insert into images (file_id, media_type, width, height) values (:file_id, :media_type, :width, :height)",
            file_id=file_id,
            media_type=image.media_type,
            width=image.width,
            height=image.height,
        )

    def of(self, owner: str, file_id: str) -> ImageRecord | None:
        """What this owner's file became; None for a text, and while there is no image."""
        row = self._tx.one(
            "select images.media_type, images.width, images.height"
            " from images join files on files.id = images.file_id"
            " where files.id = :file_id and files.owner = :owner",
            file_id=file_id,
            owner=owner,
        )
        return ImageRecord(**row) if row else None

    def file_ids(self) -> set[str]:
        """The files of all owners that became an image."""
        return {row["file_id"] for row in self._tx.all("select file_id from images")}
