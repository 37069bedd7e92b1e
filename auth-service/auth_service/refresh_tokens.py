"""Refresh tokens: `<session id>.<counter>.<proof>`. The proof is an HMAC under a key that the session keeps sealed."""

import hmac
import re
from dataclasses import dataclass

from jwt.utils import base64url_encode

from chassis.ids import ID_LENGTH

FAMILY_KEY_BYTES = 32
_SHAPE = re.compile(rf"(sess_[0-9a-f]{{{ID_LENGTH}}})\.([1-9][0-9]{{0,9}})\.([A-Za-z0-9_-]{{43}})")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """As presented: genuine only if `is_genuine` says so."""

    session_id: str
    counter: int
    proof: str

    @classmethod
    def parse(cls, text: str) -> "RefreshToken | None":
        """None when it has not even the shape of one."""
        match = _SHAPE.fullmatch(text)
        return cls(match[1], int(match[2]), match[3]) if match else None

    def is_genuine(self, family_key: bytes) -> bool:
        return hmac.compare_digest(self.proof, _proof(family_key, self.session_id, self.counter))


def refresh_token(family_key: bytes, session_id: str, counter: int) -> str:
    """The same arguments give the same token: that is how a repeated refresh gets the same successor."""
    return f"{session_id}.{counter}.{_proof(family_key, session_id, counter)}"


def _proof(family_key: bytes, session_id: str, counter: int) -> str:
    return base64url_encode(hmac.digest(family_key, f"{session_id}.{counter}".encode(), "sha256")).decode()
