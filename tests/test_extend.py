"""docs/extend.md: eight whole files, each checked, and all of them in one run."""

import csv
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.plugins import registry
from negbench.plugins.kinds import KINDS

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "extend.md").read_text("utf-8")
TEA = "who,tea,stars\n" + "".join(
    f"u{user},t{(user * 7 + n * 3) % 30},{3 + n % 3}\n" for user in range(60) for n in range(15)
)


def examples():
    """Word of a kind -> name of its file and code, in the order of the page."""
    sections = re.findall(
        r"\n## ([A-Z][a-z ]+)\n.*?File `(\w+)\.py`:\n\n```python\n(.*?)```", PAGE, re.S
    )
    return {title.lower().replace(" ", ""): (name, code) for title, name, code in sections}


WORDS = list(examples())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The eight files and the data of the data set."""
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.chdir(tmp_path)
    for name, code in examples().values():
        Path(f"{name}.py").write_text(code)
    Path("tea.csv").write_text(TEA)
    return tmp_path


def call(*words):
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 0, done.output
    return done.output


def test_the_page_has_all_eight_and_each_is_short():
    assert sorted(WORDS) == sorted(kind.word for kind in KINDS)
    for word, (name, code) in examples().items():
        lines = [line for line in code.splitlines() if line.strip()]
        assert len(lines) <= 29 and max(map(len, lines)) <= 100, (word, len(lines))
        assert f"--plugin {name}.py" in PAGE, word


@pytest.mark.parametrize("word", WORDS)
def test_an_example_keeps_every_rule_of_its_kind(word, folder):
    name, _ = examples()[word]
    output = call("check", f"{name}.py", "--data-dir", ".")
    assert f"a {word.replace('dataset', 'data set')}, {name}" in output.replace(": an ", ": a ")
    assert output.splitlines()[-1] == "all is well" and "wrong" not in output
    described = call("info", name, "--plugin", f"{name}.py")
    listed = call("list", "--plugin", f"{name}.py")
    assert name in described and re.search(rf"^  {name} ", listed, re.M)


def test_all_eight_work_in_one_run(folder):
    names = {word: name for word, (name, _) in examples().items()}
    words = ["run", "--data-dir", ".", "-d", names["dataset"], "--seeds", "2", "--epochs", "2"]
    for word in WORDS:
        words += ["--plugin", f"{names[word]}.py"]
    words += ["-m", f"random,{names['method']}(m=2)", "-b", f"mf,{names['backbone']}(dim=8)"]
    words += ["--objective", f"{names['objective']}(margin=0.5)", "-j", "2", "-o", "run"]
    words += ["--references", f"{names['reference']}(power=1),most_popular"]
    words += ["--metrics", "ndcg,halves@5,10", "--select", "halves@10", "--probe", names["probe"]]
    output = call(*words)
    for shown in ("hardest_of_four(m=2", "plain_factors", "damped_popularity(power=1)"):
        assert shown in output
    with open("run/results.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    measured = {(line["split"], line["metric"]) for line in lines}
    assert {("test", "halves"), ("valid", "halves"), ("train", "score_margin.margin")} <= measured
    (record, *_) = [
        record
        for record in map(
            json.loads, (p.read_text() for p in Path("run/cells").glob("*/cell.json"))
        )
        if record["spec"]["backbone"] == names["backbone"]
        and record["spec"]["method"] == names["method"]
        and record["spec"]["seed"] == 0
    ]
    assert {name for each in record["spec"]["code"].values() for name in each} == {
        names[word] for word in WORDS if word not in ("figure", "reference")
    }
    assert "halves@10" in call("table", "run", "--metric", "halves@10")
    call("plot", "run", names["figure"], "--plugin", "seed_dots.py", "--format", "png")
    assert Path("run/plots/seed-dots.png").is_file()
    assert len(list(csv.DictReader(open("run/plots/seed-dots.csv")))) > 0
