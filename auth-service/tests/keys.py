"""What a signed-in user does with API keys, for tests."""

from typing import Any

import httpx

from .conftest import Client


class Keys:
    """What a signed-in user does with API keys."""

    def __init__(self, auth: Client, access_token: str) -> None:
        self._auth = auth
        self._headers = {"authorization": f"Bearer {access_token}"}

    def create(self, **changed: Any) -> httpx.Response:
        return self.ask("POST", json={"name": "a script", "scopes": ["chat:read", "chat:write"], **changed})

    def new(self, **changed: Any) -> dict[str, Any]:
        answer = self.create(**changed)
        assert answer.status_code == 201, answer.text
        key: dict[str, Any] = answer.json()
        return key

    def ask(self, method: str, key_id: str = "", **request: Any) -> httpx.Response:
        path = f"/v1/auth/keys/{key_id}" if key_id else "/v1/auth/keys"
        return self._auth.request(method, path, headers=self._headers, **request)
