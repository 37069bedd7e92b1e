"""What `make contracts` writes, what `--check` finds, and how five documents become one."""

import json
from pathlib import Path
from typing import Any

import pytest

from chassis.owners import ERASE_PATH, MERGE_PATH
from dev.contracts import ROOT, main
from dev.public_openapi import ContractClash, merge


def document(paths: dict[str, str | None], **schemas: Any) -> dict[str, Any]:
    """An OpenAPI document of GET routes; each path answers with the schema of that name."""
    return {
        "paths": {
            path: {"get": {"operationId": f"get {path}", "responses": {"200": reference(name) if name else {}}}}
            for path, name in paths.items()
        },
        "components": {"schemas": schemas, "securitySchemes": {"bearer": {"type": "http"}}},
    }


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_the_public_document_has_only_what_the_gateway_routes() -> None:
    keys = document({"/.well-known/jwks.json": None, "/internal/check": "Secret"}, Secret={})
    things = document({"/v1/things": "Thing", "/health/live": None}, Thing={}, Unused={})

    merged = merge({"auth": keys, "chat": things})

    assert set(merged["paths"]) == {"/.well-known/jwks.json", "/v1/things"}
    assert set(merged["components"]["schemas"]) == {"Thing"}
    assert merged["components"]["securitySchemes"] == {"bearer": {"type": "http"}}
    assert merged["info"]["title"] == "Deepthinks"


def test_schemas_that_say_the_same_are_shared() -> None:
    one = document({"/v1/a": "Problem"}, Problem={"type": "object"})
    other = document({"/v1/b": "Problem"}, Problem={"type": "object"})

    merged = merge({"auth": one, "chat": other})

    assert set(merged["components"]["schemas"]) == {"Problem"}


def test_names_that_clash_get_the_services_name_in_front_and_so_does_what_leads_to_them() -> None:
    files = document({"/v1/files": "Page"}, Page={"items": reference("Item")}, Item={"title": "File"})
    chat = document({"/v1/turns": "Page"}, Page={"items": reference("Item")}, Item={"title": "Turn"})

    merged = merge({"files": files, "chat": chat})

    assert merged["components"]["schemas"] == {
        "FilesPage": {"items": reference("FilesItem")},
        "FilesItem": {"title": "File"},
        "ChatPage": {"items": reference("ChatItem")},
        "ChatItem": {"title": "Turn"},
    }
    assert merged["paths"]["/v1/turns"]["get"]["responses"]["200"] == reference("ChatPage")


def test_a_name_that_only_an_internal_path_uses_clashes_with_nothing() -> None:
    files = document({"/v1/files": "Item"}, Item={"title": "File"})
    chat = document({"/v1/turns": None, "/internal/x": "Item"}, Item={"title": "Turn"})

    merged = merge({"files": files, "chat": chat})

    assert set(merged["components"]["schemas"]) == {"Item"}


def test_a_path_of_two_services_is_refused() -> None:
    one = document({"/v1/a": None})

    with pytest.raises(ContractClash, match="/v1/a"):
        merge({"auth": one, "chat": one})


def test_an_operation_id_used_twice_is_refused() -> None:
    one = document({"/v1/a": None})
    other = document({"/v1/b": None})
    other["paths"]["/v1/b"]["get"]["operationId"] = "get /v1/a"

    with pytest.raises(ContractClash, match="get /v1/a"):
        merge({"auth": one, "chat": other})


def test_what_was_written_is_fresh_until_somebody_touches_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = main([], tmp_path, ["analytics"])
    fresh = main(["--check"], tmp_path, ["analytics"])
    changed = tmp_path / "analytics-service/contracts/openapi.json"
    changed.write_text(changed.read_text().replace("/v1/usage", "/v1/uses"))
    capsys.readouterr()

    after_change = main(["--check"], tmp_path, ["analytics"])

    said = capsys.readouterr().out
    assert (written, fresh, after_change) == (0, 0, 1)
    assert "stale: analytics-service/contracts/openapi.json" in said
    assert "gateway/openapi.json" not in said
    assert "/v1/uses" in changed.read_text()


def test_a_missing_contract_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--check"], tmp_path, ["analytics"])

    assert status == 1
    assert "stale: gateway/openapi.json" in capsys.readouterr().out


def test_the_published_document_keeps_internal_paths_and_the_public_one_does_not(tmp_path: Path) -> None:
    main([], tmp_path, ["analytics"])

    own = json.loads((tmp_path / "analytics-service/contracts/openapi.json").read_text())
    public = json.loads((tmp_path / "gateway/openapi.json").read_text())

    assert set(own["paths"]) == {"/v1/usage", "/internal/events", MERGE_PATH, ERASE_PATH}
    assert set(public["paths"]) == {"/v1/usage"}


def test_the_committed_contracts_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--check"], ROOT)

    assert status == 0, capsys.readouterr().out
