"""How the tests speak to the server."""

import asyncio
import time
from typing import Any

import httpx

from dev.offline_llm.testing import OfflineLLM

INSTRUCT = "Qwen/Qwen3-235B-A22B-Instruct-2507-tput"
THINKING = "Qwen/Qwen3-235B-A22B-Thinking-2507"
VISION = "Qwen/Qwen2.5-VL-72B-Instruct"
SUMMARISER = "meta-llama/Llama-3.3-70B-Instruct-Turbo-Free"
EMBEDDING = "BAAI/bge-base-en-v1.5"


def user(content: Any) -> Any:
    return {"role": "user", "content": content}


def assistant(content: str = "All right.") -> Any:
    return {"role": "assistant", "content": content}


def system(content: str) -> dict[str, Any]:
    return {"role": "system", "content": content}


def body(*messages: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"model": INSTRUCT, "messages": list(messages), **options}


async def chat(http: httpx.AsyncClient, *messages: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The reply's document."""
    reply = await http.post("/v1/chat/completions", json=body(*messages, **options))
    return dict(reply.raise_for_status().json())


async def said(http: httpx.AsyncClient, *messages: dict[str, Any], **options: Any) -> str:
    """The reply's content."""
    reply = await chat(http, *messages, **options)
    return str(reply["choices"][0]["message"]["content"])


async def until_open(llm: OfflineLLM, streams: int) -> None:
    """Waits until so many replies are on their way."""
    deadline = time.monotonic() + 2
    while llm.open_streams() != streams:
        assert time.monotonic() < deadline, f"not {streams} open streams"
        await asyncio.sleep(0.01)
