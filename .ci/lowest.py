"""Print the oldest releases that pyproject.toml allows, as pip's constraints: `python .ci/lowest.py > lowest.txt`.

A requirement `numpy>=2.0` of the package, or of the extras named as arguments, becomes `numpy==2.0`; those of this
package itself stand for the extras that they name.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[(?P<extras>[\w,-]+)\])?(?:>=(?P<version>[\w.]+))?(?:\s*;.*)?")


def lowest(requirements: Iterable[str]) -> Iterator[str]:
    """Constraints for requirements of the form `name>=version`. Raises ValueError for one of another form."""
    for requirement in requirements:
        found = REQUIREMENT.fullmatch(requirement)
        if not found:
            raise ValueError(f"pyproject.toml: {requirement!r} is not of the form name>=version")
        if found["name"] == PROJECT["name"]:
            for extra in (found["extras"] or "").split(","):
                yield from lowest(PROJECT["optional-dependencies"][extra])
        elif found["version"] is None:
            raise ValueError(f"pyproject.toml: {requirement!r} has no lower bound; give it one with >=")
        else:
            yield f"{found['name']}=={found['version']}"


if __name__ == "__main__":
    extras = [PROJECT["optional-dependencies"][name] for name in sys.argv[1:]]
    print("\n".join(sorted({*lowest(PROJECT["dependencies"]), *(line for extra in extras for line in lowest(extra))})))
