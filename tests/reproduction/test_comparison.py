"""Values, differences, verdicts and orders of a block, from cells that are written by hand."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from negbench.errors import UserError
from negbench.experiment.options.options import Options
from negbench.reproduction.comparison import comparison
from negbench.reproduction.experiments import OURS, THEIRS, Way, specs
from negbench.reproduction.layouts import FORMATS, render
from negbench.reproduction.measured import _of_spec
from negbench.reproduction.targets import block_of
from negbench.storage import cell_store

BLOCK = block_of(
    {
        "name": "toy",
        "title": "Toy",
        "dataset": "goodbooks",
        "backbone": "mf",
        "source": "A paper, table 1",
        "selected": "Vt",
        "tolerance": 0.03,
        "metrics": ["recall@20", "ndcg@20"],
        "theirs": {"mask": "train", "epochs": 3},
        "settings": {"dim": 8},
        "notes": ["A note."],
        "rows": [
            {"name": "a", "label": "A", "method": "random", "values": [0.1, 0.05]},
            {"name": "b", "label": "B", "method": "dns", "values": [0.2, 0.1], "note": "late"},
            {"name": "c", "label": "C", "values": [0.3, 0.2], "why": "no method is C"},
            {"name": "d", "label": "D", "method": "dns(candidates=2)", "values": [0.2, 0.15]},
            {
                "name": "e",
                "label": "E",
                "reference": "ease",
                "values": [0.1765, 0.137],
                "selected": "V",
                "exact": True,
            },
        ],
    }
)


def store(folder, own, lines=(), seed=0, reference=False, status="done"):
    spec = {"variant": "", **own, "dataset": "goodbooks", "seed": seed}
    fit = {} if reference else {"best_epoch": 2}
    record = {"status": status, "reason": "x", "spec": spec, "metrics": list(lines), "fit": fit}
    cell_store.write_cell(folder, record, users={"users": np.array([0])})


def write(way, protocol, **values):
    """Cells of these rows: {row: {seed: (recall, ndcg)}}."""
    for row, spec in specs(BLOCK, BLOCK.rows, protocol, way):
        pair = values.get(row.name, {}).get(spec.seed)
        if pair is None:
            continue
        lines = [
            {
                "split": part,
                "metric": name,
                "k": 20,
                "band": "all",
                "value": value * (1, 9)[part != "test"],
            }
            for part in ("valid", "test")
            for name, value in (("recall", pair[0]), ("ndcg", pair[1]))
            if part == "test" or name == "recall"
        ]
        store(way.folder(BLOCK, protocol), _of_spec(spec), lines, spec.seed, spec.is_reference)


@pytest.fixture
def way(tmp_path):
    return Way(tmp_path)


def lines(way):
    return {line.row.name: line for line in comparison(BLOCK, BLOCK.rows, way).lines}


def test_an_empty_folder_has_no_results(way):
    verdicts = {name: line.verdict for name, line in lines(way).items()}
    assert verdicts["a"] == "no result yet" and verdicts["c"] == "not run: no method is C"
    assert comparison(BLOCK, BLOCK.rows, way).counts == (0, 0, 5)


def test_mean_spread_difference_and_verdict(way):
    seeds = {0: (0.1, 0.05), 1: (0.102, 0.04), 2: (0.104, 0.06)}
    write(way, THEIRS, a=seeds, b={0: (0.19, 0.1)})
    write(way, OURS, a={0: (0.11, 0.07)})
    a, b = lines(way)["a"], lines(way)["b"]
    assert a.theirs.mean(0) == pytest.approx(0.102) and a.theirs.spread(0) == pytest.approx(0.002)
    assert a.difference(0) == pytest.approx(0.02) and a.verdict == "within 3 %"
    assert a.theirs.seeds == (0, 1, 2) and a.theirs.epochs == (2, 2, 2)
    assert a.ours.mean(1) == 0.07 and a.ours.spread(1) is None
    assert b.difference(0) == pytest.approx(-0.05) and b.verdict == "outside 3 %, 1 of 3 seeds"
    assert b.ours is None and a.chosen == "Vt upper" and "an upper kind of number" in a.selection


def test_a_reference_has_no_seeds_to_wait_for(way):
    write(way, THEIRS, e={0: (0.1, 0.05)})
    line = lines(way)["e"]
    assert replace(line, row=replace(line.row, exact=False)).verdict == "outside 3 %"


def test_what_is_outside_says_how_far_by_the_spread_of_the_seeds(way):
    write(way, THEIRS, a={0: (0.09, 0.05), 1: (0.1, 0.05), 2: (0.08, 0.05)})
    assert lines(way)["a"].verdict == "outside 3 %, 1.0 sd of the seeds"
    write(way, OURS, b={0: (0.1, 0.05), 1: (0.1, 0.05)})
    assert lines(way)["b"].verdict == "no result yet"


def test_what_is_exact_agrees_to_the_digit_in_every_metric(way):
    write(way, THEIRS, e={0: (0.176472, 0.137029)})
    assert lines(way)["e"].verdict == "exact" and lines(way)["e"].chosen == "V"


def test_what_is_exact_and_differs_in_one_digit_says_so(way):
    write(way, THEIRS, e={0: (0.176472, 0.137151)})
    assert lines(way)["e"].verdict == "differs"
    assert comparison(BLOCK, BLOCK.rows, way).counts == (0, 1, 5)


def test_cells_of_other_settings_budgets_and_masks_are_no_result(way):
    row, spec = next(iter(specs(BLOCK, BLOCK.rows[:1], THEIRS, way)))
    for change in ({"mask": "seen"}, {"train": {"epochs": 4}}, {"backbone_config": {"dim": 9}}):
        store(way.folder(BLOCK, THEIRS), {**_of_spec(spec), **change})
    assert row.name == "a" and lines(way)["a"].theirs is None
    store(way.folder(BLOCK, THEIRS), _of_spec(spec))
    assert len(lines(way)["a"].theirs) == 1


def test_a_setting_of_another_version_counts_only_where_it_was_typed(way):
    _, spec = next(iter(specs(BLOCK, BLOCK.rows[:1], THEIRS, way)))
    own, folder = _of_spec(spec), way.folder(BLOCK, THEIRS)
    older = {**own, "method_config": {"random": {"negatives": 1, "shared": "sequence"}}}
    store(folder, {**older, "variant": "shared=sequence"}, seed=0)
    assert lines(way)["a"].theirs is None
    store(folder, {**older, "method_config": {"random": {"negatives": 1, "shared": "row"}}}, seed=1)
    assert lines(way)["a"].theirs.seeds == (1,)


def test_failed_cells_are_no_result(way):
    _, spec = next(iter(specs(BLOCK, BLOCK.rows[:1], THEIRS, way)))
    store(way.folder(BLOCK, THEIRS), _of_spec(spec), status="failed")
    assert lines(way)["a"].theirs is None


def test_the_order_is_that_of_rows_with_results_and_no_guards(way):
    one = {name: {0: pair} for name, pair in (("a", (0.2, 0.1)), ("b", (0.1, 0.2)))}
    write(way, THEIRS, **one, d={0: (0.3, 0.3)}, e={0: (0.01, 0.01)})
    orders = {metric: order for _, metric, order in comparison(BLOCK, BLOCK.rows, way).orders()}
    assert (orders["recall@20"].pairs, orders["recall@20"].ties) == (2, 1)
    assert [(x.better, x.worse) for x in orders["recall@20"].turned] == [("B", "A")]
    assert orders["ndcg@20"].tau == 1 and orders["ndcg@20"].pairs == 3


@pytest.mark.parametrize("layout", FORMATS)
def test_every_line_says_how_the_number_was_chosen(way, layout):
    write(way, THEIRS, a={0: (0.1, 0.05)}, b={0: (0.21, 0.1)})
    text = render([comparison(BLOCK, BLOCK.rows, way)], layout)
    if layout == "text":
        rows = [line for line in text.splitlines() if line[:2] in ("A ", "B ", "C ", "D ")]
        assert len(rows) == 4 and all("Vt upper" in line for line in rows)
        assert "B    Vt upper  .2000 / .1000  .2100 / .1000  +5.0 % / +0.0 %" in text
    elif layout == "md":
        assert "| A | Vt upper | .1000 / .0500 | .1000 / .0500 |" in text
    elif layout == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == 10 and rows[0]["theirs_mean"] == "0.1" and rows[0]["ours_mean"] == ""
        assert rows[0]["selection"].endswith("an upper kind of number")
        assert rows[8]["selection"] == "epoch and settings by validation"
    else:
        (block,) = json.loads(text)
        assert block["rows"][2]["difference"] == pytest.approx(0.05)
        assert block["orders"][0]["tau"] == 1
    if layout in ("text", "md"):
        assert "an upper kind of number, which an honest run need not reach" in text
        assert "A note." in text and "B: late" in text and "the order holds" in text


def test_an_unknown_format_is_refused(way):
    with pytest.raises(UserError, match="--format must be one of text, md, csv, json; got 'pdf'"):
        render([comparison(BLOCK, BLOCK.rows, way)], "pdf")


def test_the_identity_of_a_cell_that_is_trained_is_that_of_its_spec(tmp_path):
    """What is compared is what a real record keeps."""
    from negbench.experiment.cell.spec import PlannedCell
    from negbench.reproduction.measured import _of_record, alike

    way = Way(tmp_path)
    for _, spec in specs(BLOCK, BLOCK.rows, THEIRS, way):
        planned = PlannedCell.of(spec, spec.scenario_key.prepare())
        stored = json.loads(json.dumps(planned.resolved))
        assert alike(_of_record(stored), _of_spec(spec))
    assert Options().mask != "train"
