"""How the server refuses: Together's error document, one class per reason."""

from typing import Any


class ApiError(Exception):
    """Becomes {"error": {message, type, param, code}} with its status."""

    status = 400
    type = "invalid_request_error"
    code: str | None = None

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param

    def body(self) -> dict[str, Any]:
        """The document that goes over the wire."""
        return error_body(self.message, self.type, self.param, self.code)


class InvalidRequest(ApiError):
    """The body is not one the API takes."""


class InvalidKey(ApiError):
    """No key, or one that is not known."""

    status = 401
    code = "invalid_api_key"


class UnknownModel(ApiError):
    """The model is not in the catalogue, or not of this kind."""

    status = 404
    code = "model_not_available"


class ContextTooLong(ApiError):
    """Prompt and max_tokens do not fit into the model's context."""

    code = "context_length_exceeded"


def error_body(message: str, kind: str, param: str | None, code: str | None) -> dict[str, Any]:
    """Together's error document."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
