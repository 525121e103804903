"""TREC runs: six columns on every line, ids that stay apart, and one system a file."""

import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from negbench.cli import main
from negbench.experiment.export.id_words import MISSING, id_of, token, word
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
def test_a_word_is_one_column_and_no_other_ids_and_gives_its_id_back(ids):
    for encode in (word, token):
        words = [encode(each) for each in ids]
        assert len(set(words)) == len(ids)
        assert all(len(f"a {each} b".split()) == 3 for each in words)
        assert all(each.encode().decode() == each for each in words)
        assert [id_of(each) for each in words] == ids


@pytest.mark.parametrize("text", ["NA", "nan", "<NA>", "#N/A N/A", "[PAD]", "", "%", "%4EA", '"'])
def test_a_token_is_no_missing_value_of_pandas(text):
    import pandas as pd

    assert id_of(token(text)) == text
    read = pd.read_csv(io.StringIO(f"a\tb\n{token(text)}\tx\n"), sep="\t", dtype=str)
    assert read["a"].tolist() == [token(text)] and token(text) != "[PAD]"


def test_pandas_knows_no_other_missing_values():
    from pandas._libs.parsers import STR_NA_VALUES

    assert STR_NA_VALUES - {""} <= MISSING


def test_scores_fall_with_the_rank_exactly_at_any_depth(tmp_path):
    """Whole numbers below 2^24 are exact in the single precision of trec_eval."""
    import numpy as np

    run = trained(tmp_path)
    export(run, "--format", "trec", "--k", 7, "-o", tmp_path / "one.trec")
    lists = {}
    for line in (tmp_path / "one.trec").read_text("utf-8").splitlines():
        user, _, _, rank, score, _ = line.split()
        assert int(rank) + int(score) == 8 and np.float32(score) == int(score)
        lists.setdefault(user, []).append(float(score))
    assert all((np.diff(scores) < 0).all() for scores in lists.values()) and len(lists) == 8
    depth = np.arange(100_000, 0, -1).astype(np.float32)
    assert (np.diff(depth) < 0).all()


def test_what_the_scores_are_is_said(tmp_path):
    run = trained(tmp_path)
    done = export(run, "--format", "trec", "-o", tmp_path / "one.trec")
    assert "a score is K - rank + 1, not the model's" in done.stderr
    export(run, "--format", "trec", "-o", f"{tmp_path}/all/")
    assert "K - rank + 1, not the model's" in (tmp_path / "all" / "README.txt").read_text("utf-8")


def test_several_systems_are_several_files_or_a_sentence(tmp_path):
    run = trained(tmp_path, methods="random,popularity", seeds=2)
    for where in (["-o", tmp_path / "run.trec"], []):
        done = export(run, "--format", "trec", *where)
        assert done.exit_code == 2 and not (tmp_path / "run.trec").exists()
        (sentence,) = done.stderr.splitlines()
        assert "holds 4 (blanks-mf-" in sentence and "-o FOLDER/" in sentence
    done = export(run, "--format", "trec", "-o", tmp_path / "all")
    assert done.exit_code == 0, done.output
    files = sorted((tmp_path / "all").glob("*.trec"))
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
    files = list((tmp_path / "all").glob("*.trec"))
    tags = {file.read_text("utf-8").split()[5] for file in files}
    assert len(tags) == len(files) == 2


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_other_formats_still_hold_all_systems_in_one_file(tmp_path, format):
    run = trained(tmp_path, methods="random,popularity")
    assert export(run, "--format", format, "-o", tmp_path / "all.x").exit_code == 0
    assert export(run, "--format", format, "-o", tmp_path).exit_code == 2
