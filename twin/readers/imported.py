"""What readers of other programs' inventories give: a layout as text, and what was not taken over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml


class Imported(NamedTuple):
    """A layout that was read from elsewhere.

    name: of the layout. source: the program or form it comes from. spec: the layout as files have it. told: what was
    assumed or not taken over, a sentence each.
    """

    name: str
    source: str
    spec: Mapping[str, Any]
    told: tuple[str, ...]

    @property
    def text(self) -> str:
        """The layout as a file, what was assumed or not taken over first, as comments."""
        head = [f"# Imported from {self.source}.", *(f"# - {sentence}" for sentence in self.told)]
        return "\n".join([*head, dump(self.spec)])


class UnreadableError(ValueError):
    """What is wrong with files that are imported: where, and one sentence each, all at once."""

    def __init__(self, source: str, faults: Iterable[str]) -> None:
        self.source, self.faults = source, list(faults)
        super().__init__("\n".join(f"{source}: {fault}" for fault in self.faults))


class _Plain(yaml.SafeDumper):
    """Mappings of scalars on one line, as layouts have them."""


def _flat(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) or bool(getattr(node, "flow_style", False))


def _mapping(dumper: _Plain, data: dict[str, Any]) -> yaml.Node:
    node = dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=None)
    node.flow_style = not any(isinstance(v, yaml.MappingNode) or not _flat(v) for _, v in node.value)
    return node


def _list(dumper: _Plain, data: list[Any]) -> yaml.Node:
    return dumper.represent_sequence(
        "tag:yaml.org,2002:seq", data, flow_style=all(not isinstance(x, list) for x in data)
    )


_Plain.add_representer(dict, _mapping)
_Plain.add_representer(list, _list)


def dump(spec: Mapping[str, Any]) -> str:
    """A layout as YAML, in the order given."""
    return yaml.dump(dict(spec), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=4096)


def unit(value: float, name: str) -> str:
    """A quantity as layouts write it: unit(90.0, "kW") is "90 kW"."""
    return f"{value:.10g} {name}"


class Names:
    """Names of a layout for names of elsewhere, all different; layouts allow no dots or brackets in them."""

    def __init__(self) -> None:
        self._given, self._taken = dict[str, str](), set[str]()

    def __getitem__(self, name: str) -> str:
        if name not in self._given:
            made = re.sub(r"[^\w-]+", "_", name).strip("_") or "unnamed"
            chosen, k = made, 1
            while chosen in self._taken:
                k += 1
                chosen = f"{made}_{k}"
            self._taken.add(chosen)
            self._given[name] = chosen
        return self._given[name]

    @property
    def changed(self) -> list[str]:
        """Those that had to be written otherwise, as "Rack 1 is Rack_1"."""
        return [f"{a} is {b}" for a, b in self._given.items() if a != b]
