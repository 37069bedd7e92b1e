"""The text that was found in a file."""

from chassis.database import Transaction


class Texts:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put(self, file_id: str, text: str) -> None:
        """Keeps the text of a file."""
        self._tx.run("insert into texts (file_id, text) values (:file_id, :text)", file_id=file_id, text=text)

    def of(self, owner: str, file_id: str) -> str | None:
        """The text of this owner's file; None while there is none."""
        text: str | None = self._tx.value(
            "select texts.text from texts join files on files.id = texts.file_id"
            " where files.id = :file_id and files.owner = :owner",
            file_id=file_id,
            owner=owner,
        )
        return text
