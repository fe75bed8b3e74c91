"""The README says what the program prints."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
TWIN = "from twin.app.cli import main; main()"


def block(kind: str) -> str:
    return re.search(rf"```{kind}\n(.*?)\n```", README.read_text("utf-8"), re.DOTALL)[1]


def settled(text: str) -> list[str]:
    """Lines without what differs from run to run: seconds, and the hash of the layout."""
    return [re.sub(r"in [\d.]+ s, layout \w+|[\d.]+e-\d+", "-", line).rstrip() for line in text.strip().splitlines()]


def run(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, cwd=README.parent
    ).stdout


def test_the_screen_is_what_the_program_prints():
    command, *printed = block("console").splitlines()
    assert settled(run("-c", TWIN, *command.split()[2:])) == settled("\n".join(printed))


def test_agents_are_told_as_the_program_prints_them():
    shown = re.search(r"```text\n(agents .*?)\n```", README.read_text("utf-8"), re.DOTALL)[1]
    assert shown in run("-c", TWIN, "solve", "gb300_hall", "--case", "agents")


def test_the_examples_print_what_stands_below_them():
    pairs = re.findall(r"```python\n(.*?)\n```\n\n```text\n(.*?)\n```", README.read_text("utf-8"), re.DOTALL)
    assert len(pairs) >= 3
    for code, printed in pairs:
        assert run("-c", code).strip() == printed


def test_every_shown_file_exists():
    for path in re.findall(r"\]\(([\w/.]+)\)", README.read_text("utf-8")):
        assert (README.parent / path).exists(), path
