"""Specifies the OpenRPC document: valid by OpenRPC's own meta-schema, and the same interface as the models."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from sudomimus_bridge._sidecar import messages
from sudomimus_bridge._sidecar.interface import model
from sudomimus_bridge._sidecar.methods import TABLE
from sudomimus_bridge._values.events import Phase

from ..helpers.sidecar_helpers import judge

PACKAGES = Path(__file__).resolve().parents[2] / "build" / "npm"


def meta_schema(package: str) -> Any:
    """A published meta-schema, from the npm package that `make tools` installs."""
    node = shutil.which("node")
    if node is None or not (PACKAGES / "node_modules" / package).is_dir():
        pytest.skip(
            "OpenRPC's meta-schema is needed, and node to read it: npm install --prefix build/npm @open-rpc/meta-schema@1 "
            "@json-schema-tools/meta-schema@1"
        )
    source = f"const it = require({json.dumps(package)}); console.log(JSON.stringify(it.default || it))"
    done = subprocess.run([node, "-e", source], cwd=PACKAGES, capture_output=True, check=True)
    return json.loads(done.stdout)


def openrpc_validator() -> Draft7Validator:
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT7

    schema_of_schemas = Resource.from_contents(meta_schema("@json-schema-tools/meta-schema"), DRAFT7)
    addresses = ("https://meta.json-schema.tools", "https://meta.json-schema.tools/")
    registry: Registry[Any] = Registry().with_resources([(address, schema_of_schemas) for address in addresses])
    return Draft7Validator(meta_schema("@open-rpc/meta-schema"), registry=registry)


def test_document_is_valid_by_the_meta_schema() -> None:
    openrpc_validator().validate(judge().document)


def test_meta_schema_refuses_a_broken_document() -> None:
    broken = json.loads(json.dumps(judge().document))
    del broken["methods"][1]["params"][0]["schema"]
    broken["methods"][2]["params"][0]["required"] = "yes"
    assert not openrpc_validator().is_valid(broken)


def test_every_reference_resolves() -> None:
    document = judge().document

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(reference := value.get("$ref"), str):
                found: Any = document
                for step in reference.removeprefix("#/").split("/"):
                    found = found[step]
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(document)


def test_document_has_every_method_with_the_params_of_its_model() -> None:
    described = {method["name"]: method for method in judge().document["methods"]}
    assert list(described) == [row.name for row in TABLE]
    for row in TABLE:
        expected = {} if row.params is None else model(row.params).model_fields
        params = {each["name"]: each["required"] for each in described[row.name]["params"]}
        assert params == {field.alias: field.is_required() for field in expected.values()}


def test_progress_has_every_phase_and_null_only_as_an_id() -> None:
    (progress,) = judge().document["x-notifications"]
    assert [each["name"] for each in progress["params"]][:2] == ["id", "phase"]
    assert judge().document["components"]["schemas"]["Phase"]["enum"] == [phase.value for phase in Phase]
    nulls = [each["name"] for each in progress["params"] if "null" in json.dumps(each)]
    assert nulls == ["id"]


@pytest.mark.parametrize("name", ["LoginTokens", "ErrandOutcome", "Progress", "ErrorData"])
def test_model_does_not_repeat_a_refused_value(name: str) -> None:
    with pytest.raises(ValueError) as caught:
        getattr(messages, name).model_validate({"accessToken": "eyJhbGciOi.eyJzdWIi.c2ln", "claims": "eyJhbGciOi"})
    assert "eyJ" not in str(caught.value)
