"""The pages say what the tree holds: generated ones are current, every path in them exists."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_walls import FLOORS

from negbench.evaluation.metric_names import METRICS
from negbench.plugins.renamed_words import RENAMED

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
FOLDERS = (ROOT, DOCS, DOCS / "guide", ROOT / "results")
PAGES = sorted(page for folder in FOLDERS for page in folder.glob("*.md"))
PLACEHOLDERS = ("NAME", "FOLDER")
"""Capital words in a path stand for a name of the reader's."""


def script(name):
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate():
    return script("generate")


@pytest.fixture(scope="module")
def generated(generate):
    return generate.pages()


@pytest.mark.parametrize("name", ["methods.md", "datasets.md", "metrics.md"])
def test_a_generated_page_is_current(generated, name):
    assert generated[name] == (DOCS / name).read_text("utf-8"), "run `make docs-pages`"


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("docs/reproductions.md", "<!-- health-mf -->\n\n**health-mf: "),
        ("docs/study.md", "<!-- study-goodbooks -->\n\n| Method | NDCG@20 |"),
        ("docs/guide/reading_tuning.md", "<!-- study-tuning-highest -->\n\n| Method | Trials |"),
        ("README.md", "<!-- study-goodbooks-highest -->\n\n| Method | NDCG@20 |"),
    ],
)
def test_the_tables_of_a_page_are_those_of_the_results(name, holds):
    page = (ROOT / name).read_text("utf-8")
    assert holds in page
    assert script("result_tables").pages()[name] == page, "run `make docs-pages`"


def test_generating_needs_no_torch():
    code = (
        f"import runpy, sys; sys.argv = ['generate.py', '--check']\n"
        f"sys.path.insert(0, {str(DOCS)!r})\n"
        f"try: runpy.run_path({str(DOCS / 'generate.py')!r}, run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert not {'torch', 'pandas'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr + result.stdout


def test_every_metric_has_a_formula(generate):
    assert {line.split()[0] for line in generate.ACCURACY.splitlines()} == set(METRICS)


def test_every_measure_of_popularity_bias_is_on_its_page(generate):
    functions = {f.name for measures in generate.bias_measures().values() for f in measures}
    measures = "arp aplt coverage gini entropy relative_arp dgap upd popreo poprsp pru pri"
    assert functions == set(measures.split())


def paths_in(text):
    """Every path that a page names in code or links to, without its anchor."""
    for token in re.findall(r"`([^`\n]+)`|\]\(([^)\s#]+)", text):
        word = token[0] or token[1]
        named = re.fullmatch(r"[\w.-]+(/[\w.-]+)*/|([\w.-]+/)+[\w.-]+\.\w+", word)
        if token[1] or (named and word.split("/")[0] not in ("runs", "build")):
            yield word


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_path_that_a_page_names_exists(page):
    missing = [
        path
        for path in paths_in(page.read_text("utf-8"))
        if "://" not in path
        and not any(word in path for word in PLACEHOLDERS)
        and not any((home / path).exists() for home in (page.parent, ROOT, ROOT / "negbench"))
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_module_that_a_page_names_exists(page):
    if page.name == "CHANGELOG.md":
        return  # it names the old ones too
    for name in re.findall(r"`negbench((?:\.[a-z_]+)+)", page.read_text("utf-8")):
        first, *rest = name[1:].split(".")
        home = ROOT if (ROOT / first).is_dir() else ROOT / "negbench"
        path = home.joinpath(first, *rest)
        known = path.exists() or path.with_suffix(".py").exists()
        public = re.search(rf'"{first}":', (ROOT / "negbench" / "__init__.py").read_text("utf-8"))
        assert known or public or path.parent.with_suffix(".py").exists(), name


def test_the_architecture_knows_every_room():
    text = (DOCS / "architecture.md").read_text("utf-8")
    homes = [ROOT / "negbench", ROOT / "analysis"]
    rooms = {
        path.parent.relative_to(ROOT).as_posix()
        for home in homes
        for path in home.rglob("*/__init__.py")
    }
    assert not [room for room in sorted(rooms) if f"`{room}/`" not in text]
    assert "\n".join(FLOORS) in text


def test_the_changelog_knows_every_renamed_word():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    for old, new in RENAMED.items():
        assert any(f"`{old}" in row[1] and f"`{new}" in row[2] for row in rows), old


def source_text():
    homes = (ROOT / "negbench", ROOT / "methods", ROOT / "analysis")
    return "".join(path.read_text("utf-8") for home in homes for path in home.rglob("*.py"))


def test_every_new_word_of_the_changelog_is_in_the_source():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8").split("### Words", 1)[1]
    words, modules = text.split("### Modules")
    source = source_text()
    for line in words.splitlines():
        for name in re.findall(r"`([A-Za-z_.]+)[`(]", line.split("|")[2] if "|" in line else ""):
            assert all(re.search(rf"\b{part}\b", source) for part in name.split(".")), name
    for line in modules.split("## [")[0].splitlines():
        for name in re.findall(r"`(negbench[\w.]+)`", line.split("|")[2] if "|" in line else ""):
            path = ROOT.joinpath(*name.split("."))
            assert path.is_dir() or path.with_suffix(".py").is_file(), name


def test_the_glossary_names_exist():
    text = (DOCS / "architecture.md").read_text("utf-8").split("## Glossary")[1]
    source = source_text()
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    for word, member in re.findall(r"`(\w+)(?:\.(\w+))?`", " ".join(rows)):
        assert re.search(rf"(class|def) {word}\b", source), word
        assert not member or re.search(rf"\b{member}\b", source), (word, member)


def test_the_citation_has_the_version():
    version = (ROOT / "negbench" / "version.py").read_text("utf-8").split('"')[-2]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
