import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from negbench.composition import recipe
from negbench.errors import UserError, did_you_mean
from negbench.plugins import registry
from negbench.plugins.card import Card

PLUGIN = '''"""Ours.

    s = 1
Cost: nothing."""
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
CARD = Card(title="Ours", moves=("sampler",))
def build(config):
    return Method(Uniform(2), BPR())
'''


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Plug-ins added in a test are for that test alone."""
    yield
    registry._plugins.clear()
    registry._entry_points.cache_clear()


def test_names_are_files() -> None:
    home = Path(__file__).parents[2] / "methods"
    files = {p.stem for p in home.glob("[!_]*.py")} | {
        p.parent.name for p in home.glob("*/method.py")
    }
    assert files == set(registry.names("methods"))


def test_a_card_read_from_the_source_is_the_card_that_runs() -> None:
    for family in ("methods", "backbones"):
        for name in registry.names(family):
            assert registry.card(family, name) == registry.load(family, name).CARD


def test_listing_needs_no_torch() -> None:
    code = (
        "import sys; from negbench.plugins import registry\n"
        "for n in registry.names('methods'):\n"
        "    registry.card('methods', n).title, registry.docstring('methods', n)\n"
        "heavy = {'torch', 'pandas', 'scipy', 'numpy', 'seaborn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_did_you_mean() -> None:
    known = registry.names("methods")
    assert "popularity" in did_you_mean("popularty", known)
    assert "dns_mn" in did_you_mean("DNS", known)
    assert did_you_mean("zzzz", ["a", "b"]) == "known: a, b"
    assert did_you_mean("zzzz", ["a", "b", "a"]) == "known: a, b"
    assert did_you_mean("ndgc", ["ndcg", "recall", "ndcg"]) == "did you mean ndcg?"
    number, near = did_you_mean("nosuch", known).removeprefix("the nearest of ").split(" are ")
    assert int(number) == len(known) and len(set(near.split(", ")) & set(known)) == 3
    with pytest.raises(UserError, match="got 'in-batch'; did you mean in_batch"):
        registry.load("methods", "in-batch")


def write(folder: Path, name: str, text: str = PLUGIN) -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def test_a_plugin_file_is_a_method(tmp_path: Path) -> None:
    assert registry.add_plugin(write(tmp_path, "ours")) == "ours"
    assert "ours" in registry.names("methods")
    assert registry.card("methods", "ours").title == "Ours"
    assert recipe("ours").build().parts
    with pytest.raises(UserError, match="ours has no parameter 'n'; it takes none"):
        recipe("ours(n=3)")


@pytest.mark.parametrize(
    "name,text,word",
    [
        ("dns", PLUGIN, "methods already has 'dns'; rename dns.py"),
        ("my-own", PLUGIN, "must be a Python name"),
        ("ours", "def build(:", "must be valid Python; ours.py line 1"),
        ("ours", "x = 1", "must define build"),
        ("ours", PLUGIN.replace("CARD =", "KART ="), "must hold `CARD = Card"),
        ("ours", PLUGIN.replace('"Ours"', "str(1)"), "of literals"),
        ("ours", PLUGIN.replace("title", "titel"), "of literals.*titel"),
        ("ours", PLUGIN.replace("sampler", "sauce"), "`moves` must be among sampler"),
    ],
)
def test_an_unusable_plugin_is_one_sentence(
    name: str, text: str, word: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=word):
        registry.add_plugin(write(tmp_path, name, text))
        registry.card("methods", name)


def test_a_data_set_may_assign_its_load(tmp_path: Path) -> None:
    text = 'from negbench.protocol import Card\nCARD = Card(title="Ours")\nload = print\n'
    assert registry.family_of(write(tmp_path, "ours", text)) == "datasets"


def test_a_plugin_that_does_not_import(tmp_path: Path) -> None:
    registry.add_plugin(write(tmp_path, "ours", PLUGIN + "1 / 0\n"))
    with pytest.raises(UserError, match=r"ours.py must import; it raised ZeroDivisionError"):
        registry.load("methods", "ours")


def test_no_such_file() -> None:
    with pytest.raises(UserError, match="--plugin must be a Python file"):
        registry.add_plugin("nowhere.py")


def entry(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a package outside had declared the entry point `name = theirs`."""

    def entry_points(*, group: str) -> tuple[EntryPoint, ...]:
        point = EntryPoint(name, "theirs", group)
        return (point,) if group == "negbench.methods" else ()

    monkeypatch.setattr(registry, "entry_points", entry_points)
    registry._entry_points.cache_clear()


def test_a_package_outside_adds_a_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "theirs")
    monkeypatch.syspath_prepend(tmp_path)
    entry("their_method", monkeypatch)
    assert "their_method" in registry.names("methods")
    assert registry.card("methods", "their_method").title == "Ours"
    assert recipe("their_method").build().parts
    monkeypatch.delitem(sys.modules, "theirs")


def test_a_name_used_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entry("dns", monkeypatch)
    with pytest.raises(UserError, match="must be unique, but dns stand"):
        registry.names("methods")


@pytest.mark.parametrize("field", [{"title": " "}, {"moves": ("x",)}, {"provenance": "hearsay"}])
def test_a_card_that_no_reader_could_use(field: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="card"):
        Card(**{"title": "t", **field})  # type: ignore[arg-type]


def test_a_citation_holds_what_is_known() -> None:
    assert Card("t", authors="A and B", venue="UAI", year=2009).citation == "A and B, UAI 2009"
    assert Card("t").citation == ""


def test_an_edited_plugin_is_read_again_when_it_is_added_again(tmp_path: Path) -> None:
    path = tmp_path / "ours_here.py"
    path.write_text(PLUGIN)
    registry.add_plugin(path)
    assert recipe("ours_here").build().sampler.negatives == 2  # type: ignore[attr-defined]
    before = path.stat()
    path.write_text(PLUGIN.replace("Uniform(2)", "Uniform(3)").replace('"Ours"', '"Mine"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert recipe("ours_here").build().sampler.negatives == 2  # type: ignore[attr-defined]
    registry.add_plugin(path)  # as the next run does
    assert recipe("ours_here").build().sampler.negatives == 3  # type: ignore[attr-defined]
    assert registry.card("methods", "ours_here").title == "Mine"
