"""Refusals: every error answer is an RFC 9457 problem that also carries OpenAI's `error` member.

    Problem
    ├── BadRequest           400   ├── Unauthenticated   401   ├── Forbidden   403
    ├── NotFound             404   ├── Conflict          409   ├── PayloadTooLarge 413
    ├── Unprocessable        422   ├── TooManyRequests   429   ├── InternalError  500
    └── Unavailable          503       └── StorageFull   507

A service subclasses the nearest one and gives it a stable `code`; codes are API.
"""

from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, Field

PROBLEM_JSON = "application/problem+json"

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


class ErrorMember(BaseModel):
    """OpenAI's shape of an error, read by its SDKs."""

    message: str
    type: str
    param: str | None = None
    code: str


class ProblemDocument(BaseModel):
    """An RFC 9457 problem with the same facts once more in OpenAI's `error` member."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable, for programs; listed in the service's README.")
    request_id: str | None = None
    error: ErrorMember


class Problem(Exception):
    """Base of everything a service refuses; raised anywhere below a route, answered by the app factory.

    `detail` is read by people and may be shown to users: it never carries secrets, content or upstream texts.
    `param` names the offending field. `headers` are added to the answer, e.g. `retry-after`.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    detail: ClassVar[str] = "Something went wrong on our side."

    def __init__(
        self, detail: str | None = None, *, param: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.message = detail or type(self).detail
        self.param = param
        self.headers = headers or {}
        super().__init__(self.message)

    def document(self, request_id: str | None = None) -> dict[str, Any]:
        """The JSON body of the answer."""
        return ProblemDocument(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.message,
            code=self.code,
            request_id=request_id,
            error=self.error(),
        ).model_dump()

    def error(self) -> ErrorMember:
        """The `error` member alone, as it also travels in stream events."""
        kind = ERROR_TYPES.get(self.status) or ("server_error" if self.status >= 500 else "invalid_request_error")
        return ErrorMember(message=self.message, type=kind, param=self.param, code=self.code)


class BadRequest(Problem):
    status = 400
    code = "invalid_request"
    detail = "The request is not valid."


class InvalidJson(BadRequest):
    code = "invalid_json"
    detail = "The body is not valid JSON."


class UnknownParameter(BadRequest):
    code = "unknown_parameter"
    detail = "The request has a field that does not exist here."


class Unauthenticated(Problem):
    status = 401
    code = "invalid_token"
    detail = "The access token is missing, expired or not valid."

    def __init__(
        self, detail: str | None = None, *, param: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail, param=param, headers={"www-authenticate": "Bearer", **(headers or {})})


class Forbidden(Problem):
    status = 403
    code = "forbidden"
    detail = "This credential may not do that."


class InsufficientScope(Forbidden):
    code = "insufficient_scope"
    detail = "The credential lacks the scope this route needs."


class NotFound(Problem):
    status = 404
    code = "not_found"
    detail = "There is nothing here under that name."


class MethodNotAllowed(Problem):
    status = 405
    code = "method_not_allowed"
    detail = "This path does not take that method."


class Conflict(Problem):
    status = 409
    code = "conflict"
    detail = "The request does not fit the present state."


class PayloadTooLarge(Problem):
    status = 413
    code = "payload_too_large"
    detail = "The body is larger than this route takes."


class Unprocessable(Problem):
    status = 422
    code = "invalid_request"
    detail = "The request is not valid."


class TooManyRequests(Problem):
    status = 429
    code = "rate_limited"
    detail = "Too many requests; try again later."


class InternalError(Problem):
    pass


class Unavailable(Problem):
    status = 503
    code = "unavailable"
    detail = "The service cannot answer at the moment; try again shortly."


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"
    detail = "The storage did not take the change; nothing was stored."


class StorageFull(Problem):
    status = 507
    code = "storage_full"
    detail = "The storage is full; nothing was stored."
