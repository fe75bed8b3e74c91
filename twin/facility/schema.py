"""JSON Schema of layout files, for editors."""

from __future__ import annotations

from typing import Any

from twin.components.base import REGISTRY
from twin.components.hall import Site
from twin.facility import plugins
from twin.facility.catalogue import catalogue
from twin.facility.sections import sections


def schema() -> dict[str, Any]:
    """JSON Schema of a layout file, for editors; types and entries of other packages are part of it.

    >>> twin.schema()["properties"]["site"]
    """
    plugins.types()
    kinds = sorted(REGISTRY)
    definitions: dict[str, Any] = {}
    for kind in kinds:
        body = REGISTRY[kind].model_json_schema(ref_template="#/$defs/{model}")
        definitions |= body.pop("$defs", {})
        for name in [n for n in body["properties"] if n.endswith("fixed_loss")]:
            points = {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 3}
            body["properties"][name.removesuffix("fixed_loss") + "efficiency"] = points
        body["properties"]["type"] = {"const": kind}
        body["properties"]["model"] = {"enum": sorted(catalogue())}
        definitions[kind] = body | {"additionalProperties": False, "required": []}
    part = {
        "type": "object",
        "properties": {"type": {"enum": kinds}, "model": {"type": "string", "examples": sorted(catalogue())}},
        "anyOf": [{"required": ["type"]}, {"required": ["model"]}],
        "allOf": [
            {"if": {"properties": {"type": {"const": k}}, "required": ["type"]}, "then": {"$ref": f"#/$defs/{k}"}}
            for k in kinds
        ]
        + [
            {"if": {"properties": {"model": {"enum": models}}, "required": ["model"]}, "then": {"$ref": f"#/$defs/{k}"}}
            for k in kinds
            if (models := [m for m, entry in sorted(catalogue().items()) if entry["type"] == k])
        ],
    }
    end = {"type": "string", "pattern": r"^.+\.\w+$"}
    carrier = {"enum": ["power", "coolant", "air"]}
    connection = {
        "oneOf": [
            {"type": "array", "prefixItems": [carrier, end, end], "minItems": 3, "maxItems": 3},
            {
                "type": "object",
                "properties": {"carrier": carrier, "from": end, "to": end},
                "required": ["carrier", "from", "to"],
                "additionalProperties": False,
            },
        ]
    }
    components = {"type": "object", "additionalProperties": part}
    connections = {"type": "array", "items": connection}
    block = {
        "type": "object",
        "properties": {"over": {"type": "object"}, "components": {"type": "object"}, "connections": {"type": "array"}},
        "required": ["over"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "AI-factory twin layout, version 1",
        "type": "object",
        "properties": {
            "version": {"const": 1},
            "name": {"type": "string"},
            "description": {"type": "string"},
            **{key: model.model_json_schema() for key, model in ({"site": Site} | sections()).items()},
            "catalogue": {"type": "object"},
            "components": components,
            "repeat": {"type": "array", "items": block},
            "connections": connections,
            "cases": {"type": "object", "additionalProperties": {"type": "object"}},
        },
        "required": ["version"],
        "additionalProperties": False,
        "$defs": definitions,
    }
