"""JSON Schema of layout files, for editors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from twin.components.base import REGISTRY
from twin.facility import plugins
from twin.facility.catalogue import catalogue
from twin.facility.sections import MODELS, limit_names
from twin.facility.structure import CARRIERS


def schema() -> dict[str, Any]:
    """JSON Schema of a layout file, for editors; types and entries of other packages are part of it.

    A type takes its own fields and the catalogue models of that type, or one of the layout's own.

    >>> twin.schema()["properties"]["site"]
    """
    plugins.types()
    definitions: dict[str, Any] = {}
    for kind in sorted(REGISTRY):
        body = _hoisted(REGISTRY[kind], definitions)
        share = {"anyOf": [{"type": "number"}, {"type": "string"}]}
        for name in [n for n in body["properties"] if n.endswith("fixed_loss")]:
            points = {"type": "object", "additionalProperties": share, "minProperties": 3}
            body["properties"][name.removesuffix("fixed_loss") + "efficiency"] = points
        definitions[kind] = body | {"required": []}
        del definitions[kind]["additionalProperties"]  # `_part` says which names there may be
    sections = {key: _hoisted(model, definitions) for key, model in MODELS.items()}
    sections["limits"]["properties"]["ignore"]["items"] = {"enum": sorted(limit_names())}
    end = {"type": "string", "pattern": r"^.+\.\w+$"}
    carrier = {"enum": list(CARRIERS)}
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
    block = {
        "type": "object",
        "properties": {"over": {"type": "object"}, "components": {"type": "object"}, "connections": {"type": "array"}},
        "required": ["over"],
        "additionalProperties": False,
    }
    case = {"type": "object", "propertyNames": {"pattern": r"^.+\.[A-Za-z_]\w*$"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "AI-factory twin layout, version 1",
        "type": "object",
        "properties": {
            "version": {"const": 1},
            "name": {"type": "string"},
            "description": {"type": "string"},
            **sections,
            "catalogue": {"type": "object", "additionalProperties": _part("base", definitions)},
            "components": {"type": "object", "additionalProperties": _part("model", definitions)},
            "repeat": {"type": "array", "items": block},
            "connections": {"type": "array", "items": connection},
            "cases": {"type": "object", "additionalProperties": case},
        },
        "required": ["version"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _hoisted(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """Schema of a model; those of models inside it go to `definitions`."""
    body = model.model_json_schema(ref_template="#/$defs/{model}")
    definitions |= body.pop("$defs", {})
    return body


def _part(source: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Schema of a component or a catalogue entry, which takes numbers from the `model` or `base` that it names."""
    shipped = {name: entry["type"] for name, entry in sorted(catalogue().items())}
    rules = []
    for kind, cls in sorted(REGISTRY.items()):
        names = [name for name, of in shipped.items() if of == kind]
        others = [name for name, of in shipped.items() if not issubclass(cls, REGISTRY[of])]
        offered = [{"enum": names}] if names else []
        fields = {
            "$ref": f"#/$defs/{kind}",
            "propertyNames": {"enum": [*definitions[kind]["properties"], "type", source]},
        }
        fits = {"properties": {source: {"anyOf": [*offered, {"type": "string", "not": {"enum": others}}]}}}
        rules.append({"if": _has("type", {"const": kind}), "then": {"allOf": [fields, fits]}})
        if names:
            rules.append({"if": _has(source, {"enum": names}) | {"not": {"required": ["type"]}}, "then": fields})
    return {
        "type": "object",
        "properties": {
            "type": {"enum": sorted(REGISTRY)},
            source: {"anyOf": [{"enum": list(shipped)}, {"type": "string"}]},
        },
        "anyOf": [{"required": ["type"]}, {"required": [source]}],
        "allOf": rules,
    }


def _has(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {name: value}, "required": [name]}
