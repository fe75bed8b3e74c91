"""README and manual say what the program prints, and their layouts solve."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TWIN = "from twin.app.cli import main; main()"
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("[!_]*/*.md")), *sorted((ROOT / "docs").glob("*.md")))
}
LANGUAGE = "docs/guide/layout_language.md"


def blocks(kind: str, page: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)\n```$", PAGES[page], re.DOTALL | re.MULTILINE)


def settled(text: str) -> list[str]:
    """Lines without what differs from run to run: seconds, and the hash of the layout."""
    return [re.sub(r"in [\d.]+ s, layout \w+|[\d.]+e-\d+", "-", line).rstrip() for line in text.strip().splitlines()]


def run(*arguments: str, folder: Path = ROOT, check: bool = True) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=check, cwd=folder)
    return done.stdout + done.stderr * (not check)


def layout(page: str) -> str:
    """The layout whose pieces stand on a page, or none."""
    pieces = [yaml.safe_load(block) for block in blocks("yaml", page)]
    return yaml.safe_dump({key: value for piece in pieces for key, value in piece.items()}) if pieces else ""


@pytest.mark.parametrize("page", [page for page in PAGES if blocks("console", page)])
def test_the_screen_is_what_the_program_prints(page, tmp_path):
    if layout(page):
        (tmp_path / "hall.yaml").write_text(layout(page), "utf-8")
    for block in blocks("console", page):
        command, *printed = block.splitlines()
        given = [word.strip('"') for word in re.findall(r'(?:[^\s"]|"[^"]*")+', command)[2:]]
        assert settled(run("-c", TWIN, *given, folder=tmp_path, check=False)) == settled("\n".join(printed))


EXAMPLES = [
    (page, code, printed)
    for page, text in PAGES.items()
    for code, printed in re.findall(r"```python\n(.*?)\n```\n\n```text\n(.*?)\n```", text, re.DOTALL)
]


@pytest.mark.parametrize(("page", "code", "printed"), EXAMPLES, ids=[page for page, *_ in EXAMPLES])
def test_examples_print_what_stands_below_them(page, code, printed, tmp_path):
    (tmp_path / "tests").symlink_to(ROOT / "tests")  # what they read lies here, what they write does not
    assert run("-c", code, folder=tmp_path).strip() == printed


def test_all_python_that_is_shown_is_an_example_with_its_output():
    shown = [code for page in PAGES for code in blocks("python", page)]
    assert shown == [code for _, code, _ in EXAMPLES] and len(shown) >= 10


def test_the_pieces_of_the_page_on_layouts_are_one_layout_that_solves(tmp_path):
    (tmp_path / "hall.yaml").write_text(layout(LANGUAGE), "utf-8")
    code = "import twin; r = twin.solve('hall.yaml'); print(r.ok, r['rack_power'].size, *sorted(r.facility.cases))"
    assert run("-c", code, folder=tmp_path) == "True 4 idle one_lost warm_day\n"


def test_a_model_of_ones_own_is_told_as_the_program_prints_it(tmp_path):
    page = "docs/guide/serving.md"
    (tmp_path / "hall.yaml").write_text(layout(page), "utf-8")
    shown = next(block for block in blocks("text", page) if block.startswith("tokens  "))
    printed = [line.rstrip() for line in run("-c", TWIN, "solve", "hall.yaml", folder=tmp_path).splitlines()]
    assert [line for line in shown.splitlines() if line not in printed] == []


def test_how_sure_tokens_are_is_told_as_the_program_prints_it():
    shown = next(block for block in blocks("text", "docs/guide/serving.md") if block.startswith("known to "))
    given = ("solve", "gb300_hall", "--set", "serving.interactivity=140")
    printed = [line.rstrip() for line in run("-c", TWIN, *given).splitlines()]
    assert [line for line in shown.splitlines() if line not in printed] == []


def test_agents_are_told_as_the_program_prints_them():
    shown = next(block for block in blocks("text", "docs/guide/serving.md") if block.startswith("agents "))
    assert shown in run("-c", TWIN, "solve", "gb300_hall", "--case", "agents")


@pytest.mark.parametrize("page", PAGES)
def test_every_shown_file_exists(page):
    """Links to pages that the build makes are checked by the build."""
    for path in re.findall(r"\]\(([\w/.]+)(?:#[\w-]+)?\)", PAGES[page]):
        made = "_generated/" in path
        assert made or ((ROOT / page).parent / path).exists(), path


def test_dollars_of_a_readme_are_money_and_not_equations():
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    assert reference.dollars("0.17 M$/MW and 0.16 M$/MW, `$x$`") == r"0.17 M\$/MW and 0.16 M\$/MW, `$x$`"
