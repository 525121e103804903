"""Which cells are exported: by data set, backbone, row and seed, or one sentence."""

from pathlib import Path
from shutil import copytree

import pytest
from click.testing import CliRunner
from helpers.run_with_ids import write_run_with_ids

from negbench.cli import main
from negbench.errors import NothingToReport, UserError
from negbench.experiment.export.which import Which, finished_cells


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run_with_ids(tmp_path_factory.mktemp("which") / "run")


def chosen(run: Path, **words: tuple) -> list[tuple[str, int]]:
    cells = finished_cells(run, Which(**words))
    return sorted((cell.spec["method"], cell.spec["seed"]) for cell in cells)


def test_each_word_narrows_and_several_of_one_kind_add_up(run):
    assert len(chosen(run)) == 7
    assert chosen(run, methods=("dns",)) == [("dns", 0), ("dns", 1)]
    assert chosen(run, methods=("dns", "random"), seeds=(1,)) == [("dns", 1), ("random", 1)]
    assert chosen(run, backbones=("reference",)) == [("most_popular", 0)]
    assert chosen(run, datasets=("hand",), seeds=(0,), backbones=("mf",)) == [
        ("dns", 0), ("popularity", 0), ("random", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "piece"),
    [
        ({"methods": ("dnss",)}, "-m must name .* got 'dnss'; did you mean dns?"),
        ({"seeds": (7,)}, "--seed must name .* got 7; known: 0, 1"),
        ({"datasets": ("books",)}, "-d must name"),
        ({"methods": ("most_popular",), "backbones": ("mf",)}, "-b mf -m most_popular name none"),
    ],
)
def test_a_word_that_names_nothing_is_a_sentence(run, words, piece):
    with pytest.raises(UserError, match=piece):
        finished_cells(run, Which(**words))


def test_a_label_is_its_row_alone_and_a_method_all_of_its_rows(run, tmp_path):
    import json

    copytree(run, tmp_path / "run")
    for path in (tmp_path / "run").glob("cells/*/cell.json"):
        record = json.loads(path.read_text("utf-8"))
        if (record["spec"]["method"], record["spec"]["seed"]) == ("dns", 1):
            record["spec"]["train"] = {"lr": 0.5}
            path.write_text(json.dumps(record), "utf-8")
    assert chosen(tmp_path / "run", methods=("dns@lr=0.5",)) == [("dns", 1)]
    assert chosen(tmp_path / "run", methods=("dns",)) == [("dns", 0)]


def test_the_command_takes_them(run, tmp_path):
    words = ["-d", "hand", "-b", "mf", "-m", "dns,random", "--seed", "1"]
    done = CliRunner().invoke(main, ["export", str(run), *words])
    assert done.exit_code == 0, done.output
    rows = {tuple(row.split(",")[:5]) for row in done.stdout.split("\n")[1:] if "hand," in row}
    assert rows == {("hand", "mf", method, "", "1") for method in ("dns", "random")}
    done = CliRunner().invoke(main, ["export", str(run), "-m", "dns", "--seed", "8"])
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1


def test_a_run_over_splits_is_exported_split_by_split(run, tmp_path):
    for number in (1, 2):
        copytree(run, tmp_path / "all" / f"split-{number}")
    with pytest.raises(UserError, match="holds 2; give one of them, as .*split-1"):
        finished_cells(tmp_path / "all")
    assert len(finished_cells(tmp_path / "all" / "split-2")) == 7


def test_a_folder_that_is_not_there_is_not_one_without_cells(tmp_path):
    with pytest.raises(NothingToReport, match="a run folder must exist; .*nosuch does not"):
        finished_cells(tmp_path / "nosuch")
    with pytest.raises(NothingToReport, match="an export needs finished cells"):
        finished_cells(tmp_path)


@pytest.mark.parametrize(
    ("words", "file", "comma"),
    [
        (("--qrels",), "a.csv", True),
        (("--qrels",), "a.txt", False),
        (("-m", "dns", "--seed", "0"), "a.trec", False),
        (("-m", "dns", "--seed", "0"), "a.csv", True),
        (("-m", "dns", "--seed", "0", "--format", "csv"), "a.trec", True),
    ],
)
def test_the_ending_of_a_file_names_its_form(run, tmp_path, words, file, comma):
    done = CliRunner().invoke(main, ["export", str(run), *words, "-o", str(tmp_path / file)])
    assert done.exit_code == 0, done.output
    first = (tmp_path / file).read_text("utf-8").splitlines()[0]
    assert ("," in first) == comma and (comma or len(first.split()) in (4, 6))
