"""Structured logs: one line an event, allow-listed fields only, so that no prompt or token can slip into them."""

import logging
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import structlog

ALLOWED_FIELDS = frozenset(
    "event level timestamp service request_id method route status milliseconds user_id conversation_id response_id"
    " file_id job_id event_id kind consumer caller neighbour tries count code error reason frames version port number"
    " name model".split()
)


def configure_logs(service: str, level: str, style: str) -> None:
    """Sends structlog's and the standard library's records to stdout; `style` is json or text."""
    renderer: Any = (
        structlog.processors.JSONRenderer(_as_json)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_exception,
        _only_allowed_fields,
    ]
    _output.stream, _output.level = sys.stdout, logging.getLevelName(level.upper())
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=lambda *_: _output,  # by way of the standard library's records it would cost twice as much
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level.upper())
    # Their request lines carry query strings and hosts; ours say the same without.
    for chatty in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def _from(level: int) -> Callable[["_Output", str], None]:
    def write(output: "_Output", line: str) -> None:
        if level >= output.level:
            with suppress(OSError, ValueError):  # no room, or closed: no reason to refuse a request
                output.stream.write(f"{line}\n")
                output.stream.flush()

    return write


class _Output:
    """Where lines go and from which level on, as last configured: loggers in use know only how it was at first."""

    def __init__(self) -> None:
        self.stream = sys.stdout
        self.level = logging.WARNING

    debug = _from(logging.DEBUG)
    info = _from(logging.INFO)
    warning = _from(logging.WARNING)
    error = _from(logging.ERROR)
    critical = _from(logging.CRITICAL)


_output = _Output()


def _as_json(fields: dict[str, Any], **_: Any) -> str:
    return orjson.dumps(fields, default=repr).decode()


def _only_allowed_fields(_: Any, __: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in ALLOWED_FIELDS or name.startswith("_")}


def _describe_exception(_: Any, __: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Type and frames of an exception, not its text: texts quote the data that made them."""
    info = fields.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if info and info[0] is not None:
        fields["error"] = info[0].__name__
        frames = traceback.extract_tb(info[2])
        fields["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return fields
