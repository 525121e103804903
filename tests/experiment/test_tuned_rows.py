"""`run --tuned`: each row takes its winner's settings and budget, or one sentence says why not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.small_runs import DATA, NAME, go
from helpers.small_search import scenario_of, write_row

import negbench
from negbench.analysis.runs.frames import open_run as records
from negbench.analysis.runs.row_labels import row_labels
from negbench.analysis.runs.tuned_rows import row_variant
from negbench.cli import main
from negbench.errors import UserError
from negbench.experiment.finished.run import open_run
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.texts import encoders

DNS = "dns(candidates=16)@(l2=1e-05,lr=0.003)"
METHODS = ["random", "dns"]


def planned(**raw):
    asked = {"datasets": [DATA], "seeds": 1, "methods": METHODS, **raw}
    return plan(build(flatten(asked)))


def tuned(source, **raw):
    """The tuned cells by the row that they belong to."""
    return {each.spec.tuned.row: each for each in planned(tuned=str(source), **raw).cells}


@pytest.fixture
def source(tmp_path):
    """A folder with the searches of four rows."""
    folder = tmp_path / "tuned"
    write_row(folder, "dns", DNS)
    write_row(folder, "random", "random@lr=0.02")
    write_row(folder, "ease", "ease(l2=200.0)", backbone="reference")
    write_row(folder, "most_popular", "most_popular", backbone="reference", n=1)
    return folder


def test_each_row_takes_its_winners_settings_and_the_budget_of_the_search(source):
    cells = tuned(source, references=["ease", "most_popular"])
    dns, random = cells["dns"], cells["random"]
    assert dns.spec.method == "dns(candidates=16)" and random.spec.method == "random"
    assert (dns.spec.train.lr, dns.spec.train.l2, random.spec.train.lr) == (0.003, 1e-5, 0.02)
    assert {(c.spec.train.epochs, c.spec.train.dim) for c in (dns, random)} == {(2, 8)}
    assert cells["ease"].resolved["method_config"]["l2"] == 200.0
    assert cells["most_popular"].resolved["tuned"]["trials"] == 1
    assert dns.resolved["tuned"]["trials"] == 3 and len(dns.resolved["tuned"]["protocol"]) == 12
    (typed,) = planned(methods=[DNS], epochs=2, dim=8).cells
    assert typed.digest != dns.digest
    assert {k: v for k, v in dns.resolved.items() if k != "tuned"} == typed.resolved


def test_a_row_with_parameters_of_its_own_has_a_search_of_its_own(source):
    with pytest.raises(UserError, match=r"has none for dns\(candidates=4\) on synthetic"):
        tuned(source, methods=["dns(candidates=4)"])
    write_row(source, "dns( candidates = 4 )", "dns(candidates=4)@lr=0.5")
    (cell,) = tuned(source, methods=["dns(candidates=4)"]).values()
    assert cell.spec.train.lr == 0.5


def test_an_objective_makes_another_row(source):
    with pytest.raises(UserError, match=r"none for random\(objective=bce\), dns\(objective=bce\)"):
        tuned(source, objective="bce")
    write_row(source, "dns(objective=bce)", "dns@lr=0.5")
    (cell,) = tuned(source, methods=["dns"], objective="bce").values()
    assert (cell.spec.objective, cell.spec.train.lr) == ("bce", 0.5)
    write_row(source, "random", "random@lr=0.25", objective="bce")
    (cell,) = tuned(source, methods=["random(objective=bce)"]).values()
    assert (cell.spec.objective, cell.spec.train.lr) == ("bce", 0.25)
    assert "has none for random on D" in refusal(source, methods=["random"])


def test_an_encoder_makes_another_row(source, tmp_path):
    np.save(tmp_path / "t.npy", np.eye(100, 4, dtype=np.float32))
    table = str(tmp_path / "t.npy")
    write_row(source, "hnlmrec", "hnlmrec@lr=0.25", encoder=encoders.label(table))
    assert "has none for hnlmrec on D" in refusal(source, methods=["dns", "hnlmrec"])
    write_row(source, "dns", DNS, encoder=encoders.label(table))
    cell = tuned(source, methods=["dns", "hnlmrec"], encoder=table)["hnlmrec"]
    assert (cell.spec.encoder, cell.spec.train.lr) == (table, 0.25)


def test_settings_of_a_backbone_come_with_the_winner(source):
    write_row(source, "dns", "dns@(layers=1,lr=0.01)", backbone="lightgcn", ranges="a")
    (cell,) = tuned(source, methods=["dns"], backbones=["lightgcn"]).values()
    assert cell.resolved["backbone_config"]["layers"] == 1
    assert (cell.resolved["backbone"], cell.resolved["backbone_variant"]) == ("lightgcn", "")


def refusal(source, **raw):
    with pytest.raises(UserError) as refused:
        planned(tuned=str(source), **raw)
    return str(refused.value).replace(str(source), "SOURCE").replace(NAME, "D")


def test_a_row_without_a_winner_is_named_with_what_there_is_and_the_remedy(source):
    sentence = refusal(source, methods=["dns", "dcl", "popularity"])
    assert sentence.startswith(
        "--tuned must hold a winner for every row; SOURCE has none for dcl, popularity on D with "
        "mf, where it holds dns, random; leave them out, or tune them too, with the "
        "options of that search: negbench tune -d "
    )
    assert sentence.endswith("-b mf -m dcl,popularity -o SOURCE")
    write_row(source, "popularity", "popularity", decided=False)
    assert "none for popularity on D" in refusal(source, methods=["popularity"])
    sentence = refusal(source, references=["item_knn"])
    assert "none for item_knn on D as references, where it holds ease, most_popular;" in sentence


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"methods": ["dns@lr=0.1"]}, "settings behind an @ are the search's; got dns@lr=0.1"),
        ({"epochs": 7}, "got --epochs 7, and the search of random in SOURCE had 2; leave it out"),
        ({"lr": 0.1}, "got --lr 0.1, and the search of random in SOURCE chose it for each row"),
        ({"batch_size": 64}, "got --batch-size 64, and the search of random in SOURCE left it to"),
        ({"optimiser": "sgd"}, "got --optimiser sgd, and the search of random in SOURCE had adam;"),
        ({"split": "loo"}, "D has split leave_one_out ("),
        ({"exclude": "none"}, "D has exclude none here, and the search of random in SOURCE had ex"),
    ],
)
def test_what_is_not_the_searchs_is_refused_in_one_sentence(source, raw, words):
    assert words in refusal(source, **raw)


def test_a_typed_budget_that_is_the_searchs_is_no_other(source):
    typed, plain = tuned(source, epochs=2, dim=8, patience=10, optimiser="adam"), tuned(source)
    assert {k: v.digest for k, v in typed.items()} == {k: v.digest for k, v in plain.items()}


def test_rows_of_two_protocols_or_spaces_are_not_run_together(source):
    write_row(source, "popularity", "popularity@lr=0.1", trials=99)
    words = "must be tuned by one protocol to be compared; in SOURCE dns was tuned by "
    assert words in refusal(source, methods=["dns", "popularity"])
    write_row(source, "popularity", "popularity@lr=0.1", ranges="others")
    assert "must be tuned by one space" in refusal(source, methods=["dns", "popularity"])


def test_pairings_that_cannot_be_trained_are_skipped_before_winners_are_looked_for(source):
    grid = planned(tuned=str(source), methods=["dns", "preferdiff"])
    assert [each.spec.tuned.row for each in grid.cells] == ["dns"]
    assert "method preferdiff needs" in grid.skipped[0]


def test_a_source_that_is_no_source():
    for source, words in (("no/where", "is not there"), (".", "holds none"), ("embedded", "")):
        with pytest.raises(UserError, match="--tuned must") as refused:
            planned(tuned=source)
        assert words in str(refused.value) and "negbench tune" in str(refused.value)


def test_a_search_repeated_over_splits_is_given_split_by_split(source, tmp_path):
    (tmp_path / "all").mkdir()
    source.rename(tmp_path / "all" / "split-1")
    with pytest.raises(UserError, match="give one of its splits, as .*/all/split-1"):
        planned(tuned=str(tmp_path / "all"))
    assert set(tuned(tmp_path / "all" / "split-1")) == {"random", "dns"}


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_first_line_says_that_rows_are_tuned_and_a_run_goes_on_and_runs_again(source, tmp_path):
    out, other = tmp_path / "run", tmp_path / "again"
    words = ("run", "-d", DATA, "-m", "random,dns", "--seeds", 2, "--no-progress")
    words = (*words, "--references", "most_popular", "--tuned", source, "-o", out)
    done = call(*words)
    assert done.exit_code == 0, done.output
    protocol = next(iter(tuned(source).values())).spec.tuned.protocol
    first = done.output.splitlines()[0]
    assert f"| rows tuned: 3 trials each, 1 where nothing is searched, from {source}," in first
    assert first.endswith(f"protocol {protocol}")
    kept = json.loads((out / "run.json").read_text())
    assert kept["experiment"]["tuned"] == str(source)
    assert not [key for key in kept["experiment"] if key.startswith("train.")]
    before = sorted(each.name for each in (out / "cells").iterdir())
    assert call("resume", out).exit_code == 0
    assert call("run", out / "run.json", "-o", other, "-q").exit_code == 0
    for folder in (out, other):
        assert sorted(each.name for each in (folder / "cells").iterdir()) == before
    source.rename(tmp_path / "elsewhere")
    gone = call("resume", out)
    assert gone.exit_code == 2 and f"{source} is not there" in gone.stderr


def test_from_python(source, tmp_path):
    run = negbench.run(
        datasets=DATA, methods="dns", seeds=1, tuned=source, out=tmp_path / "run", progress=False
    )
    assert set(run.frame["row"]) == {"dns"} and set(run.frame["variant"]) == {""}


def test_tables_label_a_tuned_row_as_it_was_typed_whatever_won(source, tmp_path):
    out = go(tmp_path / "run", methods=METHODS, tuned=str(source), seeds=2, epochs=None, dim=None)
    assert {row for _, row in records(out.out).done} == {"dns", "random"}
    assert "against random" in open_run(out.out).compare()
    write_row(source, "dns", "dns(candidates=2)@(l2=1e-05,lr=0.003)")
    go(tmp_path / "run", methods=METHODS, tuned=str(source), seeds=2, epochs=None, dim=None)
    rows = {row for _, row in records(out.out).done}
    assert rows == {"dns [candidates=16]", "dns [candidates=2]", "random"}


def test_each_split_has_a_winner_of_its_own_and_they_are_one_row(source, tmp_path):
    write_row(source, "dns", "dns(candidates=2)@lr=0.1")
    small = {"methods": ["dns"], "seeds": 1, "epochs": None, "dim": None}
    go(tmp_path / "one", **small, tuned=str(source))
    write_row(source, "dns", DNS)
    go(tmp_path / "two", **small, tuned=str(source))
    cells = [cell for at in ("one", "two") for cell, _ in records(tmp_path / at).done]
    assert row_labels(cells) == [
        "dns@lr=0.1 [candidates=2]",
        "dns@(l2=1e-05,lr=0.003) [candidates=16]",
    ]
    of_splits = [replace(cell, partition=at) for at, cell in enumerate(cells, 1)]
    assert row_labels(of_splits) == ["dns", "dns"]
    assert {row_variant(cell.spec) for cell in of_splits} == {""}


def test_tuned_rows_are_not_compared_with_others(source, tmp_path):
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    small = {"seeds": 2, "epochs": None, "dim": None}
    go(one, methods=METHODS, tuned=str(source), **small)
    go(two, methods=["random"], seeds=2)
    words = r"share their tuning to be compared, but .* has rows tuned by protocol \w{12} \(4 cells"
    with pytest.raises(UserError, match=words) as refused:
        records([one, two])
    assert "and rows that are not tuned (2 cells" in str(refused.value)
    for row, word in (("dns", DNS), ("random", "random@lr=0.02")):
        write_row(tmp_path / "other", row, word, finalists=1)
    go(three, methods=METHODS, tuned=str(tmp_path / "other"), **small)
    with pytest.raises(UserError, match=r"by protocol \w{12} .* and rows tuned by protocol \w{12}"):
        records([one, three])
    assert len(list(records([one]).done)) == 4


def test_a_folder_is_not_gone_on_with_under_another_tuning(source, tmp_path):
    out = tmp_path / "run"
    go(out, methods=METHODS, seeds=1)
    small = {"methods": METHODS, "tuned": str(source), "seeds": 1, "epochs": None, "dim": None}
    with pytest.raises(UserError, match="2 finished cells in .* are not tuned, and the rows on"):
        go(out, **small)
    assert len(list((out / "cells").iterdir())) == 2
    go(out, **small, overwrite="all")
    assert {row for _, row in records(out).done} == {"dns", "random"}
    assert len(list((out / "replaced").iterdir())) == 2
    assert call("resume", out).exit_code == 0
    assert len(list((out / "cells").iterdir())) == 2


def test_two_data_sets_have_winners_of_their_own_and_one_row(source, tmp_path):
    other = "synthetic(users=50,items=80,interactions=900,relevant=0.4)"
    scenario = scenario_of(datasets=[other])
    write_row(source, "dns", "dns(candidates=2)@lr=0.1", scenario=scenario)
    write_row(source, "random", "random@lr=0.1", scenario=scenario)
    go(
        tmp_path / "run",
        datasets=[DATA, other],
        methods=METHODS,
        tuned=str(source),
        seeds=2,
        epochs=None,
        dim=None,
    )
    run = records(tmp_path / "run")
    assert {row for _, row in run.done} == {"dns", "random"}
    write_row(source, "dns", "dns", scenario=scenario, budget={"epochs": 9})
    write_row(source, "random", "random", scenario=scenario, budget={"epochs": 9})
    sentence = refusal(source, datasets=[DATA, other])
    assert "must have one budget; in SOURCE the searches on D had epochs 2 and those on" in sentence
