import json
from typing import Any
from xml.sax.saxutils import escape

import httpx
import jsonschema_rs
import pytest

from dev.tests.offline_llm.asking import SUMMARISER, assistant, body, said, system, user

FOLD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "priority_score": {"type": "integer", "minimum": 0, "maximum": 10},
        "quote": {
            "type": "object",
            "properties": {"turn_id": {"type": "string"}, "text": {"type": "string"}},
            "required": ["turn_id", "text"],
            "additionalProperties": False,
        },
        "facts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "kind": {"enum": ["profile", "preference", "plan", "event", "instruction", "other"]},
                    "priority": {"type": "integer", "minimum": 0, "maximum": 10},
                    "turn_ids": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                    "quote": {"type": "string"},
                    "replaces": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["text", "kind", "priority", "turn_ids", "quote", "replaces"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["summary", "priority_score", "quote", "facts"],
    "additionalProperties": False,
}
TURNS = {
    "turn_1": (
        "My name is Ada & since last summer I have lived in\nLisbon. What is the weather?",
        "You live in Paris. I am a robot, my name is Hal.",
    ),
    "turn_2": ("We will fly to Porto on 5 May 2026.", "Noted."),
    "turn_3": ("I like tea, not coffee. Do you think my sister is tall?", "I love coffee."),
    "turn_4": ("Please always answer in English.", "Sure."),
}


def schema_format(schema: dict[str, Any], name: str = "answer") -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}


def turns(*known: str) -> str:
    facts = "".join(f"f{number}: {escape(fact)}\n" for number, fact in enumerate(known, start=1))
    told = "\n".join(
        f'<turn id="{turn}" time="2026-11-22T10:00:00Z">\n<user>{escape(asked)}</user>\n'
        f"<assistant>{escape(answered)}</assistant>\n</turn>"
        for turn, (asked, answered) in TURNS.items()
    )
    return f"<known_facts>\n{facts}</known_facts>\n{told}" if known else told


async def folded(http: httpx.AsyncClient, message: str, schema: dict[str, Any] = FOLD) -> dict[str, Any]:
    wanted = schema_format(schema, "fold")
    text = await said(http, user(message), model=SUMMARISER, response_format=wanted, temperature=0.2, max_tokens=2048)
    return dict(json.loads(text))


async def test_a_fold_is_true_to_its_schema_and_quotes_word_for_word(http: httpx.AsyncClient) -> None:
    fold = await folded(http, turns())

    jsonschema_rs.validate(FOLD, fold)
    assert fold["quote"]["text"] in TURNS[fold["quote"]["turn_id"]][0]
    for fact in fold["facts"]:
        assert [fact["quote"] in TURNS[turn][0] for turn in fact["turn_ids"]] == [True]


async def test_a_fold_keeps_what_the_user_stated_and_nothing_of_the_assistant(http: httpx.AsyncClient) -> None:
    fold = await folded(http, turns())

    assert {(fact["text"], fact["kind"]) for fact in fold["facts"]} == {
        ("My name is Ada & since last summer I have lived in Lisbon.", "profile"),
        ("We will fly to Porto on 5 May 2026.", "plan"),
        ("I like tea, not coffee.", "preference"),
        ("Please always answer in English.", "instruction"),
    }
    assert "Porto" in fold["summary"]
    assert "5 May 2026" in fold["summary"]
    assert "Paris" not in fold["summary"]
    assert "robot" not in fold["summary"]


async def test_a_fold_tells_a_known_fact_in_the_words_it_has_when_it_is_stated_again(http: httpx.AsyncClient) -> None:
    fold = await folded(http, turns("Likes tea, not coffee", "We fly to Porto on 5 May 2026 with the whole family"))

    assert {(fact["text"], fact["quote"]) for fact in fold["facts"] if fact["kind"] in ("preference", "plan")} == {
        ("Likes tea, not coffee", "I like tea, not coffee.")
    }


async def test_a_fold_names_the_known_facts_that_are_not_true_any_more(http: httpx.AsyncClient) -> None:
    message = (
        "<known_facts>\nf1: The user works at Acme.\nf2: The user lives in Graz.\nf3: My cat is called Tom\n"
        '</known_facts>\n<turn id="turn_1" time="x">\n<user>I moved to Vienna. My cat is called Tom.</user>\n</turn>'
    )

    fold = await folded(http, message)

    assert {fact["text"]: fact["replaces"] for fact in fold["facts"]} == {
        "I moved to Vienna.": ["f2"],
        "My cat is called Tom": [],
    }


async def test_a_fold_of_long_sentences_fits_into_the_answer_that_memory_allows(http: httpx.AsyncClient) -> None:
    told = "and mended nets and waited for the wind to turn, " * 20
    message = "\n".join(f'<turn id="turn_{day}"><user>On day {day} we sailed {told}</user></turn>' for day in range(14))
    wanted = body(user(message), model=SUMMARISER, response_format=schema_format(FOLD, "fold"), max_tokens=2048)

    answer = (await http.post("/v1/chat/completions", json=wanted)).json()["choices"][0]

    assert answer["finish_reason"] == "stop"
    assert len(json.loads(answer["message"]["content"])["facts"]) > 1


async def test_turns_without_a_statement_still_fold_truly(http: httpx.AsyncClient) -> None:
    message = (
        '<turn id="turn_9" time="x">\n<user>Why is the sky blue?</user>\n<assistant>Rayleigh.</assistant>\n</turn>'
    )

    fold = await folded(http, message)

    jsonschema_rs.validate(FOLD, fold)
    assert fold["facts"] == []
    assert fold["quote"] == {"turn_id": "turn_9", "text": "Why is the sky blue?"}


async def test_a_fold_without_turns_is_still_true_to_its_schema(http: httpx.AsyncClient) -> None:
    fold = await folded(http, "Earlier: Ada lives in Lisbon. She likes tea.")

    jsonschema_rs.validate(FOLD, fold)


SCHEMAS: dict[str, dict[str, Any]] = {
    "code files": {
        "type": "object",
        "properties": {
            "Text": {"type": "string"},
            "Files": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"FileName": {"type": "string"}, "FileCode": {"type": "string"}},
                    "required": ["FileName", "FileCode"],
                },
            },
            "Conclusion": {"type": "string"},
        },
        "required": ["Text", "Files", "Conclusion"],
    },
    "numbers": {
        "type": "object",
        "properties": {
            "low": {"type": "integer", "minimum": 5},
            "high": {"type": "number", "maximum": -2.5},
            "above": {"type": "integer", "exclusiveMinimum": 0},
            "between": {"type": "number", "exclusiveMinimum": 0.2, "exclusiveMaximum": 0.3},
            "steps": {"type": "integer", "minimum": 11, "multipleOf": 5},
            "below": {"type": "integer", "exclusiveMaximum": -3},
        },
        "required": ["low", "high", "above", "between", "steps", "below"],
    },
    "strings": {
        "type": "object",
        "properties": {
            "short": {"type": "string", "maxLength": 5},
            "long": {"type": "string", "minLength": 300},
            "day": {"type": "string", "format": "date"},
            "mail": {"type": "string", "format": "email"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
        },
        "required": ["short", "long", "day", "mail", "code"],
    },
    "choices": {
        "type": "object",
        "properties": {
            "fixed": {"const": 42},
            "kind": {"enum": ["coffee", "tea"]},
            "maybe": {"type": ["string", "null"]},
            "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "nothing": {"type": "null"},
            "yes": {"type": "boolean"},
            "both": {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "integer"}}}]},
        },
        "required": ["fixed", "kind", "maybe", "either", "nothing", "yes", "both"],
        "additionalProperties": False,
    },
    "arrays": {
        "type": "object",
        "properties": {
            "three": {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
            "numbers": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
            "few": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2, "uniqueItems": True},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2},
            "none": {"type": "array", "maxItems": 0},
        },
        "required": ["three", "numbers", "few", "pair", "none"],
    },
    "a tree": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["name", "left", "children"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/node",
    },
    "a list": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    "any names": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
}


@pytest.mark.parametrize("name", SCHEMAS)
async def test_any_schema_is_filled_validly(http: httpx.AsyncClient, name: str) -> None:
    talk = [user("I like tea with 3 sugars."), assistant(), user("What do I like?")]

    text = await said(http, *talk, response_format=schema_format(SCHEMAS[name]))

    jsonschema_rs.validate(SCHEMAS[name], json.loads(text))


async def test_texts_in_a_schema_come_from_the_conversation(http: httpx.AsyncClient) -> None:
    schema = {"type": "object", "properties": {"drink": {"enum": ["milk", "tea"]}, "why": {"type": "string"}}}
    talk = [user("I like tea with honey."), assistant(), user("What do I like?")]

    answer = json.loads(await said(http, *talk, response_format=schema_format(schema)))

    assert answer == {"drink": "tea", "why": "I like tea with honey."}


async def test_files_in_a_schema_have_the_name_that_was_asked_for_and_nothing_of_the_instructions(
    http: httpx.AsyncClient,
) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "content": {"type": "string"}}}
    talk = [system("Write code in Python that works."), user("Write src/hello.py in Python, please.")]

    answer = json.loads(await said(http, *talk, response_format=schema_format(schema)))

    assert answer == {"name": "src/hello.py", "content": "Nothing in the conversation I was given answers that."}


async def test_a_json_object_is_json_without_an_introduction(http: httpx.AsyncClient) -> None:
    answer = await said(http, user("I like tea. What do I like?"), response_format={"type": "json_object"})

    assert json.loads(answer) == {"answer": "I like tea."}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"enum": []},
        {"anyOf": []},
        {"type": "string", "pattern": "("},
        {"type": "object", "properties": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "integer", "minimum": "low"},
    ],
)
async def test_a_schema_that_cannot_be_satisfied_is_refused(http: httpx.AsyncClient, schema: dict[str, Any]) -> None:
    request = body(user("What do I like?"), response_format=schema_format(schema))

    reply = await http.post("/v1/chat/completions", json=request)

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "response_format"
