"""Simon Willison's `llm`, told of the server as its manual says: extra-openai-models.yaml and a key."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ["HOME"]) / "llm"
FOLDER.mkdir(exist_ok=True)
os.environ["LLM_USER_PATH"] = str(FOLDER)
MODEL = "supports_tools: true, supports_schema: true, vision: true, api_key_name: deepthinks"
(FOLDER / "extra-openai-models.yaml").write_text(
    "\n".join(
        f"- {{model_id: {name}, model_name: deepthinks, api_base: {os.environ['DEEPTHINKS_URL']}, {MODEL}{more}}}"
        for name, more in {"by-completions": "", "by-responses": ", responses: true"}.items()
    )
)
(FOLDER / "keys.json").write_text(json.dumps({"deepthinks": os.environ["DEEPTHINKS_KEY"]}))

import llm  # noqa: E402 - it reads the folder when it is imported

WAYS = pytest.mark.parametrize("name", ["by-completions", "by-responses"])


def llm_command(*arguments: str) -> str:
    ran = subprocess.run([sys.executable, "-m", "llm", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@WAYS
def test_an_answer_is_streamed(name: str) -> None:
    response = llm.get_model(name).prompt("My dog is called Rex.")

    words = list(response)

    assert "Rex" in "".join(words)
    assert len(words) > 1  # what comes within a moment comes as one
    assert (response.usage().output or 0) > 0


@WAYS
def test_an_answer_comes_whole(name: str) -> None:
    assert "Rex" in llm.get_model(name).prompt("My dog is called Rex.", stream=False).text()


@WAYS
def test_a_conversation_is_carried_on(name: str) -> None:
    conversation = llm.get_model(name).conversation()
    conversation.prompt("My cello is called Ottavia.").text()

    assert "Ottavia" in conversation.prompt("What is my cello called?").text()


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"The weather in {city}: 31 degrees, sunny."


@WAYS
def test_a_tool_is_run_in_a_chain(name: str) -> None:
    chain = llm.get_model(name).chain("What is the weather in Lisbon?", tools=[get_weather])

    assert "31 degrees" in chain.text()


@WAYS
def test_an_answer_fits_a_schema(name: str) -> None:
    schema: Any = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}

    response = llm.get_model(name).prompt("The keeper is called Ingrid.", schema=schema)

    assert list(json.loads(response.text())) == ["name"]


@WAYS
def test_an_image_is_seen(name: str) -> None:
    picture = base64.b64decode(os.environ["DEEPTHINKS_PICTURE"].partition(",")[2])

    response = llm.get_model(name).prompt("What colour is this image?", attachments=[llm.Attachment(content=picture)])

    assert "mostly red" in response.text()


def test_the_command_line_answers() -> None:
    assert "Rex" in llm_command("-m", "by-completions", "--no-log", "My dog is called Rex.")
