"""Sealing of users' own keys: bound to the user, under a key of each record's own, open to previous secrets."""

import pytest

from chat_service.key_vault import KeyVault

PRESENT, PREVIOUS = "present " * 5, "previous " * 5


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def test_what_was_sealed_opens_for_its_own_user_only() -> None:
    vault = KeyVault([PRESENT])
    sealed = vault.seal("a-key-of-mine", "user_1")

    assert vault.open(sealed, "user_1") == "a-key-of-mine"
    assert vault.open(sealed, "user_2") is None


def test_the_same_key_is_never_sealed_the_same() -> None:
    vault = KeyVault([PRESENT])

    one, other = (vault.seal("a-key-of-mine", "user_1") for _ in range(2))

    assert b"a-key-of-mine" not in b"".join((one.ciphertext, one.nonce, one.salt))
    assert one.ciphertext != other.ciphertext
    assert one.nonce != other.nonce
    assert one.salt != other.salt


def test_each_record_has_a_cipher_key_of_its_own() -> None:
    vault = KeyVault([PRESENT])
    one, other = (vault.seal("a-key-of-mine", "user_1") for _ in range(2))

    assert vault.open(one._replace(salt=other.salt), "user_1") is None


def test_a_previous_secret_opens_and_a_forgotten_one_does_not() -> None:
    sealed = KeyVault([PREVIOUS]).seal("a-key-of-mine", "user_1")

    assert KeyVault([PRESENT, PREVIOUS]).open(sealed, "user_1") == "a-key-of-mine"
    assert KeyVault([PRESENT]).open(sealed, "user_1") is None


def test_the_first_secret_seals() -> None:
    sealed = KeyVault([PRESENT, PREVIOUS]).seal("a-key-of-mine", "user_1")

    assert sealed.secret_id == KeyVault([PRESENT]).secret_id != KeyVault([PREVIOUS]).secret_id
    assert KeyVault([PRESENT]).open(sealed, "user_1") == "a-key-of-mine"


@pytest.mark.parametrize("part", ["ciphertext", "nonce", "salt"])
def test_a_record_that_was_changed_or_cut_does_not_open(part: str) -> None:
    vault = KeyVault([PRESENT])
    sealed = vault.seal("a-key-of-mine", "user_1")
    whole = getattr(sealed, part)

    damaged = [sealed._replace(**{part: other}) for other in (flipped(whole), whole[:-1], b"")]

    assert [vault.open(each, "user_1") for each in damaged] == [None] * 3


def test_a_record_that_claims_another_secret_does_not_open() -> None:
    vault = KeyVault([PRESENT, PREVIOUS])
    sealed = vault.seal("a-key-of-mine", "user_1")

    assert vault.open(sealed._replace(secret_id=KeyVault([PREVIOUS]).secret_id), "user_1") is None
