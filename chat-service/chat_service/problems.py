"""Every way chat refuses. Codes are API; texts never repeat what the provider said.

BadRequest       UnsupportedParameter, InputMissing, InputTooLong, ModelRefused, ContextLengthExceeded,
                 ConflictingParameters, ToolCallNotFound, ModelUnsuitable, ImagesNotSupported
NotFound         ModelNotFound, ConversationNotFound, ResponseNotFound, ItemNotFound, FileNotFound,
                 ContextNotKept, CodeFileNotFound
Forbidden        GuestTurnsUsed
Conflict         ConversationBusy, RequestInProgress, IdempotentAnswerNotKept
Gone             EventsExpired
Unprocessable    IdempotencyKeyReused, FileFailed, ProviderKeyRejected, ProviderKeyUnreadable
TooManyRequests  ModelRateLimited, TooManyRunning, RateLimitExceeded
BadGateway       ModelCredentialsRejected, ModelAnswerGarbled, ModelAnswerEmpty, CodeAnswerInvalid
Unavailable      ModelUnavailable, FilesUnavailable, FileNotReady, ShuttingDown
GatewayTimeout   ModelTimeout
"""

from chassis.problems import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    Problem,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)

# --- The model, and requests to it


class UnsupportedParameter(BadRequest):
    code = "unsupported_parameter"
    detail = "This server does not support that parameter."

    def __init__(self, param: str, detail: str | None = None) -> None:
        super().__init__(detail or f"This server does not support {param}.", param=param)


class InputMissing(BadRequest):
    code = "input_missing"
    detail = "There is no input; only a turn that replaces another may go without."

    def __init__(self, detail: str | None = None, *, param: str = "input") -> None:
        super().__init__(detail, param=param)


class InputTooLong(BadRequest):
    code = "input_too_long"
    detail = "The input is longer than this server takes."


class ModelNotFound(NotFound):
    code = "model_not_found"
    detail = "There is no such model here; GET /v1/models lists those there are."

    def __init__(self, detail: str | None = None, *, param: str = "model") -> None:
        super().__init__(detail, param=param)


class ModelUnsuitable(BadRequest):
    code = "model_unsuitable"
    detail = "This model is of another kind; `type` in GET /v1/models says which."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, param="model")


class ImagesNotSupported(BadRequest):
    code = "images_not_supported"
    detail = "This model takes no images; `vision` in GET /v1/models says which do."

    def __init__(self) -> None:
        super().__init__(param="model")


class ModelRefused(BadRequest):
    code = "model_refused"
    detail = "The model does not take this request; check the messages, tools and response format."


class ContextLengthExceeded(BadRequest):
    code = "context_length_exceeded"
    detail = "The messages and the room for an answer are longer than the model's context."

    def __init__(self) -> None:
        super().__init__(param="messages")


class ModelRateLimited(TooManyRequests):
    code = "model_rate_limited"
    detail = "The model takes no more requests at the moment; try again later."

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(headers={"retry-after": str(retry_after)})


class ModelUnavailable(Unavailable):
    code = "model_unavailable"
    detail = "The model does not answer at the moment; try again shortly."


class ModelCredentialsRejected(Problem):
    """401, 402 or 403 from the provider: about the server's key, so it must not look like the caller's sign-in."""

    status = 502
    code = "model_credentials_rejected"
    detail = "The model's provider does not accept this server's key; its operator has to look at it."

    def __init__(self) -> None:
        super().__init__(headers={"x-should-retry": "false"})


class ProviderKeyRejected(Unprocessable):
    """The same about the user's own key: nobody but the user can do something about it, and no retry helps."""

    code = "provider_key_rejected"
    detail = "The model's provider does not accept your own key, or its account has no credit left."

    def __init__(self, detail: str | None = None, *, param: str | None = None) -> None:
        super().__init__(detail, param=param, headers={"x-should-retry": "false"})


class ProviderKeyUnreadable(Unprocessable):
    """The secret that it was sealed under is gone."""

    code = "provider_key_unreadable"
    detail = "Your own key cannot be read any more: give it anew, or delete it to go on without."

    def __init__(self) -> None:
        super().__init__(headers={"x-should-retry": "false"})


class ModelAnswerGarbled(Problem):
    status = 502
    code = "model_answer_garbled"
    detail = "The model's answer was cut off or not readable."


class CodeAnswerInvalid(Problem):
    status = 502
    code = "code_answer_invalid"
    detail = "The model gave no readable answer in files, and could not mend it."

    def __init__(self) -> None:
        super().__init__(headers={"x-should-retry": "false"})


class ModelAnswerEmpty(Problem):
    status = 502
    code = "model_answer_empty"
    detail = "The model ended without saying anything."


class ModelTimeout(Problem):
    status = 504
    code = "model_timeout"
    detail = "The model did not answer in time."


# --- Turns and conversations


class ConflictingParameters(BadRequest):
    code = "conflicting_parameters"
    detail = "Give `conversation` or `previous_response_id`, not both."


class ConversationNotFound(NotFound):
    code = "conversation_not_found"
    detail = "There is no such conversation."

    def __init__(self) -> None:
        super().__init__(param="conversation")


class ResponseNotFound(NotFound):
    code = "response_not_found"
    detail = "There is no such response."


class ContextNotKept(NotFound):
    code = "context_not_kept"
    detail = "What went to the model for that response is not known yet, or was erased."


class CodeFileNotFound(NotFound):
    code = "code_file_not_found"
    detail = "There is no such file in that conversation."


class ItemNotFound(NotFound):
    code = "item_not_found"
    detail = "There is no such item in this conversation."


class ToolCallNotFound(BadRequest):
    code = "tool_call_not_found"
    detail = "A function_call_output has to answer a function_call of the same input, or of the response before."

    def __init__(self) -> None:
        super().__init__(param="input")


class ConversationBusy(Conflict):
    code = "conversation_busy"
    detail = "A response is still being generated there; wait for its end, or cancel it."

    def __init__(self, response_id: str) -> None:
        super().__init__(f"{response_id} is still being generated there; wait for its end, or cancel it.")


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency_key_reused"
    detail = "This Idempotency-Key came with another request before."


class EventsExpired(Problem):
    status = 410
    code = "events_expired"
    detail = "The stream of this response is no longer kept; the response itself is."


class ShuttingDown(Unavailable):
    code = "shutting_down"
    detail = "The server is restarting; try again in a moment."


class RecordedProblem(Problem):
    """A refusal as it was stored with a response, raised again with its own status and code."""

    def __init__(self, *, status: int, code: str, message: str, headers: dict[str, str]) -> None:
        super().__init__(message, headers=headers)
        vars(self).update(status=status, code=code)


# --- Files that a turn names


class FileNotFound(NotFound):
    code = "file_not_found"
    detail = "There is no such file."

    def __init__(self) -> None:
        super().__init__(param="input")


class FileFailed(Unprocessable):
    code = "file_failed"
    detail = "A file of this turn could not be read; `GET /v1/files/{id}` says why."

    def __init__(self) -> None:
        super().__init__(param="input")


class FileNotReady(Unavailable):
    code = "file_not_ready"
    detail = "A file of this turn is still being read; try again in a moment."


class FilesUnavailable(Unavailable):
    code = "files_unavailable"
    detail = "Files cannot be read at the moment; try again shortly, or without a file."


# --- What one user may have


class GuestTurnsUsed(Forbidden):
    code = "guest_turns_used"

    def __init__(self, turns: int) -> None:
        had = f"A guest gets {turns} answers here" if turns else "Guests get no answers here"
        go_on = "sign up or sign in with the guest's token to go on; what was said stays."
        super().__init__(f"{had}: {go_on}", headers={"x-should-retry": "false", "x-guest-turns-remaining": "0"})


class TooManyRunning(TooManyRequests):
    code = "too_many_running"

    def __init__(self, running: int) -> None:
        super().__init__(
            f"There may be {running} answers in the making at the same time; wait for one to end, or cancel it.",
            headers={"retry-after": "1"},
        )


class RateLimitExceeded(TooManyRequests):
    code = "rate_limit_exceeded"
    detail = "That is more than one user may have in a minute; `retry-after` says when to come back."

    def __init__(self, retry_after: int, headers: dict[str, str]) -> None:
        super().__init__(headers={**headers, "retry-after": str(retry_after)})


# --- Requests that are sent again


class RequestInProgress(Conflict):
    code = "request_in_progress"
    detail = "The request that first came with this Idempotency-Key is still being answered."

    def __init__(self) -> None:
        super().__init__(headers={"retry-after": "1"})


class IdempotentAnswerNotKept(Conflict):
    code = "idempotent_answer_not_kept"
    detail = "The request that first came with this Idempotency-Key was answered, and its answer is not kept."

    def __init__(self) -> None:
        super().__init__(headers={"x-should-retry": "false"})
