"""Every way chat refuses. Codes are API; texts never repeat what the provider said.

BadRequest       UnsupportedParameter, InputTooLong, ModelRefused, ContextLengthExceeded, ConflictingParameters
NotFound         ModelNotFound, ConversationNotFound, ResponseNotFound, ItemNotFound, FileNotFound
Conflict         ConversationBusy
Gone             EventsExpired
Unprocessable    IdempotencyKeyReused, FileFailed
TooManyRequests  ModelRateLimited
BadGateway       ModelCredentialsRejected, ModelAnswerGarbled, ModelAnswerEmpty
Unavailable      ModelUnavailable, FilesUnavailable, FileNotReady, ShuttingDown
GatewayTimeout   ModelTimeout
"""

from chassis.problems import BadRequest, Conflict, NotFound, Problem, TooManyRequests, Unavailable, Unprocessable

# --- The model, and requests to it


class UnsupportedParameter(BadRequest):
    code = "unsupported_parameter"
    detail = "This server does not support that parameter."

    def __init__(self, param: str, detail: str | None = None) -> None:
        super().__init__(detail or f"This server does not support {param}.", param=param)


class InputTooLong(BadRequest):
    code = "input_too_long"
    detail = "The input is longer than this server takes."


class ModelNotFound(NotFound):
    code = "model_not_found"
    detail = "There is no such model here; GET /v1/models lists those there are."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, param="model")


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


class ModelAnswerGarbled(Problem):
    status = 502
    code = "model_answer_garbled"
    detail = "The model's answer was cut off or not readable."


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


class ItemNotFound(NotFound):
    code = "item_not_found"
    detail = "There is no such item in this conversation."


class ConversationBusy(Conflict):
    code = "conversation_busy"
    detail = "A response is still being generated there; wait for its end, or cancel it."


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
