"""TREC runs: six columns on every line, ids that stay apart, and one system a file."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from negbench.cli import main
from negbench.experiment.finished.trec import word
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.run_grid import carry_out

ITEMS = ["c d", "c%20d", "c\u00a0d", "c\u3000d", "c\u2028d", "c%d", "c\u200bd", "cd", "ü", "c d e"]


def trained(folder: Path, **more):
    rows = [f"user {u},{ITEMS[(u + s) % len(ITEMS)]},{s}" for u in range(8) for s in range(5)]
    (folder / "blanks.csv").write_text("user,item,time\n" + "\n".join(rows) + "\n", "utf-8")
    asked = {"datasets": str(folder / "blanks.csv"), "methods": "random", "seeds": 1, "epochs": 1}
    options = build(flatten({**asked, "dim": 4, "out": str(folder / "run"), **more}))
    carry_out(options, plan(options), folder / "run", bar=False)
    return folder / "run"


def export(*words):
    return CliRunner().invoke(main, ["export", *map(str, words)])


def test_every_line_has_six_columns_and_ids_stay_apart(tmp_path):
    run = trained(tmp_path)
    done = export(run, "--format", "trec", "-o", tmp_path / "one.trec")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "one.trec").read_text("utf-8")
    lines = [line.split() for line in text.splitlines()]
    assert {len(line) for line in lines} == {6} and len({line[5] for line in lines}) == 1
    pairs = [(line[0], line[2]) for line in lines]
    assert len(set(pairs)) == len(pairs)
    assert {line[2] for line in lines} <= {word(item) for item in ITEMS}
    assert len({word(item) for item in ITEMS}) == len(ITEMS)
    assert text == export(run, "--format", "trec").stdout


@given(st.lists(st.text(st.characters(), max_size=6), unique=True, max_size=30))
def test_a_word_is_one_column_and_no_other_ids(ids):
    words = [word(each) for each in ids]
    assert len(set(words)) == len(ids)
    assert all(len(f"a {each} b".split()) == 3 for each in words)
    assert all(each.encode().decode() == each for each in words)


def test_scores_fall_with_the_rank_in_single_precision():
    import numpy as np

    scores = np.array([float(f"{1 / rank:.9f}") for rank in range(1, 3001)], np.float32)
    assert (np.diff(scores) < 0).all()


def test_several_systems_are_several_files_or_a_sentence(tmp_path):
    run = trained(tmp_path, methods="random,popularity", seeds=2)
    for where in (["-o", tmp_path / "run.trec"], []):
        done = export(run, "--format", "trec", *where)
        assert done.exit_code == 2 and not (tmp_path / "run.trec").exists()
        (sentence,) = done.stderr.splitlines()
        assert "holds 4 (blanks-mf-" in sentence and "-o FOLDER/" in sentence
    done = export(run, "--format", "trec", "-o", tmp_path / "all")
    assert done.exit_code == 0, done.output
    files = sorted((tmp_path / "all").iterdir())
    assert [file.name for file in files] == [
        f"blanks-mf-{method}-{seed}.trec" for method in ("popularity", "random") for seed in (0, 1)
    ]
    for file in files:
        lines = [line.split() for line in file.read_text("utf-8").splitlines()]
        assert {line[5] for line in lines} == {file.stem}
        assert len({(line[0], line[2]) for line in lines}) == len(lines) > 0


def test_one_row_under_two_settings_gets_two_tags(tmp_path):
    run = trained(tmp_path)
    trained(tmp_path, lr=0.5)
    done = export(run, "--format", "trec", "-o", f"{tmp_path}/all/")
    assert done.exit_code == 0, done.output
    files = list((tmp_path / "all").iterdir())
    tags = {file.read_text("utf-8").split()[5] for file in files}
    assert len(tags) == len(files) == 2


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_other_formats_still_hold_all_systems_in_one_file(tmp_path, format):
    run = trained(tmp_path, methods="random,popularity")
    assert export(run, "--format", format, "-o", tmp_path / "all.x").exit_code == 0
    assert export(run, "--format", format, "-o", tmp_path).exit_code == 2
