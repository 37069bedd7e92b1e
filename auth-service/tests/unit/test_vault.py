"""Sealing: bound to its row, and open to previous secrets."""

from auth_service.vault import Vault

PRESENT, PREVIOUS = "present " * 5, "previous " * 5


def test_what_was_sealed_opens_for_its_own_row_only() -> None:
    vault = Vault([PRESENT])
    sealed = vault.seal(b"a key", "sess_1")

    assert vault.open(sealed, "sess_1") == b"a key"
    assert vault.open(sealed, "sess_2") is None
    assert b"a key" not in sealed


def test_a_previous_secret_opens_and_a_forgotten_one_does_not() -> None:
    sealed = Vault([PREVIOUS]).seal(b"a key", "sess_1")

    assert Vault([PRESENT, PREVIOUS]).open(sealed, "sess_1") == b"a key"
    assert Vault([PRESENT]).open(sealed, "sess_1") is None


def test_a_changed_or_cut_seal_does_not_open() -> None:
    vault = Vault([PRESENT])
    sealed = vault.seal(b"a key", "sess_1")

    damaged = [sealed[:-1] + bytes([sealed[-1] ^ 1]), bytes([sealed[0] ^ 1]) + sealed[1:], sealed[:20], sealed[:12]]

    assert [vault.open(part, "sess_1") for part in damaged] == [None] * 4


def test_the_same_is_never_sealed_the_same() -> None:
    vault = Vault([PRESENT])

    assert vault.seal(b"a key", "sess_1") != vault.seal(b"a key", "sess_1")
