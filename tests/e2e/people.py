"""People who use the system as anybody would: through the gateway, with the official SDK."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from openai import OpenAI

PASSWORD = "a long enough passphrase"


@dataclass
class Person:
    """Somebody signed in: `sdk` is the official OpenAI client, `http` speaks the paths that OpenAI does not have."""

    email: str
    tokens: dict[str, Any]
    sdk: OpenAI
    http: httpx.Client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.sdk.close()
        self.http.close()

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens['access_token']}"}

    def say(self, conversation: str, text: str, *files: str) -> str:
        """One streamed turn; returns the text of the answer, which must have ended well."""
        content = [{"type": "input_file", "file_id": file} for file in files]
        content.append({"type": "input_text", "text": text})
        events = list(
            self.sdk.responses.create(
                model="deepthinks",
                conversation=conversation,
                input=[{"role": "user", "content": content}],
                stream=True,
            )
        )
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[-1].type == "response.completed", events[-1]
        deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert deltas == events[-1].response.output_text
        return deltas

    def upload(self, path: Path) -> str:
        return self.sdk.files.create(file=path, purpose="user_data").id

    def memory(self, conversation: str) -> dict[str, Any]:
        answer = self.http.get(f"/v1/memory/conversations/{conversation}")
        return answer.json() if answer.status_code == 200 else {}

    def usage(self) -> dict[str, Any]:
        return self.http.get("/v1/usage").raise_for_status().json()


def sign_up(url: str) -> Person:
    email = f"{uuid.uuid4().hex}@example.com"
    body = {"email": email, "password": PASSWORD, "username": "Ada"}
    return signed_in(url, email, httpx.post(f"{url}/v1/auth/signup", json=body).raise_for_status().json())


def signed_in(url: str, email: str, tokens: dict[str, Any]) -> Person:
    sdk = OpenAI(base_url=f"{url}/v1", api_key=tokens["access_token"], max_retries=0, timeout=90.0)
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    return Person(email, tokens, sdk, httpx.Client(base_url=url, headers=headers, timeout=90.0))
