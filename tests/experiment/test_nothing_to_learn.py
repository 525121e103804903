"""Nothing trains on nothing: such cells are refused before, fail after, or say what they lacked."""

import pytest
import torch
from helpers.small_runs import go

from negbench.errors import UserError
from negbench.experiment import console
from negbench.experiment.cell.nothing_to_learn import all_alike
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.plugins import registry
from negbench.storage.cell_store import read_cells

SMALL = {"epochs": 2, "dim": 4, "seeds": "1", "metrics": "ndcg@2"}


def write(path, rows):
    path.write_text("user,item,time\n" + "".join(f"{u},{i},{t}\n" for u, i, t in rows))
    return str(path)


@pytest.fixture
def three(tmp_path):
    """Five users with three pairs: leave one out leaves one to train on."""
    sets = ["abc", "bcd", "ade", "bea", "cdb"]
    rows = [(f"u{u}", item, t) for u, items in enumerate(sets) for t, item in enumerate(items)]
    return write(tmp_path / "three.csv", rows)


@pytest.fixture
def wide(tmp_path):
    """12 users with 8 of 20 items; every third user has 3 only."""
    rows = [
        (f"u{u}", f"i{(5 * u + 3 * s) % 20}", 100 * s + u)
        for u in range(12)
        for s in range(3 if u % 3 == 0 else 8)
    ]
    return write(tmp_path / "wide.csv", rows)


def refused(tmp_path, match, **raw):
    """The run is refused with one sentence, and nothing is written."""
    out = tmp_path / "run"
    with pytest.raises(UserError, match=match) as error:
        go(out, **{**SMALL, **raw})
    assert "\n" not in str(error.value) and error.value.exit_code == 2
    assert not out.exists()
    return str(error.value)


def records(out):
    cells, damaged = read_cells(out)
    assert not damaged
    return {str(cell.spec["method"]): cell.record for cell in cells}


@pytest.mark.parametrize("backbone", ["sasrec", "gru4rec", "tiny_lm"])
def test_no_history_has_two_train_items(three, tmp_path, backbone):
    match = "two train items or more, and three has none under leave_one_out"
    refused(tmp_path, match, datasets=[three], backbones=[backbone], split="loo")


def test_two_sequence_backbones_are_one_sentence_and_the_others_go_on(three, tmp_path):
    text = refused(
        tmp_path, "none under", datasets=[three], backbones=["sasrec", "gru4rec"], split="loo"
    )
    assert text.count("a sequence backbone") == 1
    backbones = ["mf", "sasrec"]
    options = build(flatten({"datasets": [three], "backbones": backbones, "split": "loo"}))
    kept = plan(options)
    assert {cell.spec.backbone for cell in kept.cells} == {"mf"}
    assert any("a sequence backbone" in why for why in kept.skipped)


def test_whom_a_sequence_backbone_leaves_out_is_counted(wide, tmp_path):
    sentence = (
        "backbone gru4rec leaves out 4 of 12 train users (33 %), who have one train pair and so "
        "nothing to predict: it is not trained on them."
    )
    raw = {"datasets": [wide], "methods": ["random"], "split": "loo", **SMALL}
    options = build(flatten({**raw, "backbones": ["gru4rec", "mf"]}))
    lines = console.notes(options, plan(options))
    assert lines.count(f"note   {sentence}") == 1
    assert not go(tmp_path / "run", **raw, backbones=["gru4rec"]).failed
    assert sentence in records(tmp_path / "run")["random"]["notes"]
    assert not go(tmp_path / "mf", **raw, backbones=["mf"]).failed
    assert not any("leaves out" in note for note in records(tmp_path / "mf")["random"]["notes"])


@pytest.mark.parametrize("backbone", ["mf", "sasrec"])
def test_a_batch_of_one_has_no_in_batch_negative(wide, tmp_path, backbone):
    refused(
        tmp_path,
        "method in_batch takes its negatives from the other rows of a batch.* --batch-size 2",
        datasets=[wide],
        methods=["in_batch"],
        backbones=[backbone],
        batch_size=1,
    )
    refused(
        tmp_path,
        "method mixed",
        datasets=[wide],
        methods=["mixed(uniform=0)"],
        backbones=[backbone],
        batch_size=1,
    )


def test_what_needs_no_other_rows_trains_on_a_batch_of_one(wide, tmp_path):
    out, methods = tmp_path / "run", ["random", "mixed(pool=1,uniform=8)"]
    assert not go(out, **{**SMALL, "datasets": [wide], "methods": methods, "batch_size": 1}).failed
    assert records(out)["random"]["fit"]["rows_without_negative"] == 0


def test_a_last_batch_of_one_is_counted(wide, tmp_path):
    options = build(flatten({"datasets": [wide]}))
    (scenario,) = plan(options).scenarios.values()
    n = len(scenario.split.train)
    out = tmp_path / "run"
    raw = {**SMALL, "datasets": [wide], "methods": ["in_batch", "random"], "batch_size": n - 1}
    assert not go(out, **raw).failed
    fit = records(out)["in_batch"]["fit"]
    assert fit["rows"] == 2 * n and fit["rows_without_negative"] >= 2  # one an epoch, or more
    assert records(out)["random"]["fit"]["rows_without_negative"] == 0


def test_in_batch_of_one_user_fails(tmp_path):
    data = write(tmp_path / "one.csv", [("u", f"i{i}", i) for i in range(20)])
    result = go(tmp_path / "run", **{**SMALL, "datasets": [data], "methods": ["in_batch"]})
    ((_, reason),) = result.failed
    assert reason.startswith("NothingLearnt: a row must have a usable negative; none of 32 rows")


def test_users_who_have_every_item(tmp_path):
    rows = [(f"u{u}", f"i{i}", 10 * u + i) for u in range(6) for i in range(6)]
    data = write(tmp_path / "all.csv", rows)
    match = "no user of all has one left under .* and --exclude all"
    refused(tmp_path, match, datasets=[data], exclude="all", split="loo")


@pytest.mark.parametrize("backbone", registry.names("backbones"))
def test_a_start_at_zero_is_refused(wide, tmp_path, backbone):
    raw = {"datasets": [wide], "backbones": [f"{backbone}(init=0)"], "methods": ["random"]}
    refused(tmp_path, "`init` must be above 0", **raw)


def test_weights_that_never_change_fail(wide, tmp_path):
    result = go(tmp_path / "run", **SMALL, datasets=[wide], methods=["random"], lr=1e-30)
    assert "training must change the weights; these are still the first ones" in result.failed[0][1]


def test_equal_scores_fail(wide, tmp_path, plugin):
    flat = plugin(
        "flat",
        """
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
from dataclasses import replace
CARD = Card(title="All items alike")
class Flat:
    def view(self, step):
        return replace(step.view, query=step.view.query * 0)
def build(config):
    return Method(sampler=Uniform(1), objective=BPR(), transform=Flat())
""",
    )
    raw = {**SMALL, "datasets": [wide], "methods": ["flat"], "plugins": [flat], "l2": 0.1}
    ((_, reason),) = go(tmp_path / "run", **raw).failed
    assert "every item has the same score for each of" in reason


def test_all_alike_looks_until_a_user_tells_items_apart():
    class Scorer:
        def __init__(self, rows):
            self.rows, self.asked = torch.tensor(rows), []

        def scores(self, users):
            self.asked += users.tolist()
            return self.rows[users]

    users = torch.arange(200)
    assert all_alike(Scorer([[1.0, 1.0, 1.0]] * 200), users)
    assert not all_alike(Scorer([[1.0, 1.0, 1.0]] * 199 + [[1.0, 2.0, 1.0]]), users)
    first = Scorer([[0.0, 1.0]] * 200)
    assert not all_alike(first, users) and len(first.asked) < 200


def test_a_reference_that_gives_one_score_says_so(tmp_path):
    rows = [(f"u{u}", f"i{(u + s) % 6}", s) for u in range(6) for s in range(4)]
    data = write(tmp_path / "ring.csv", rows)
    out = tmp_path / "run"
    raw = {**SMALL, "datasets": [data], "methods": ["random"], "references": ["most_popular"]}
    assert not go(out, **raw).failed
    note = "reference most_popular gives every item the same score: its lists are one fixed random"
    assert any(each.startswith(note) for each in records(out)["most_popular"]["notes"])
    assert not any("same score" in each for each in records(out)["random"]["notes"])


def test_a_split_without_valid_pairs_says_so(tmp_path):
    rows = [(f"u{u}", f"i{(u + 3 * s) % 11}", s) for u in range(12) for s in range(5)]
    data = write(tmp_path / "few.csv", rows)
    out = tmp_path / "run"
    assert not go(out, **{**SMALL, "datasets": [data], "methods": ["random"]}).failed
    record = records(out)["random"]
    assert record["split"]["valid"] == 0 and record["fit"]["best_epoch"] == 2
    assert (
        "no valid pairs: nothing stops early and no epoch is selected, so the last epoch is tested."
        in record["notes"]
    )


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_scores_that_are_no_numbers_are_not_ranked(wide, tmp_path, plugin, value):
    broken = plugin(
        "broken",
        f"""
from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method
from dataclasses import replace
CARD = Card(title="Diverges when it ranks")
class Broken:
    def view(self, step):
        if step.training:
            return step.view
        items = step.view.items.clone()
        items[3] = float("{value}")
        return replace(step.view, items=items)
def build(config):
    return Method(sampler=Uniform(1), objective=BPR(), transform=Broken())
""",
    )
    raw = {**SMALL, "datasets": [wide], "methods": ["broken"], "plugins": [broken]}
    ((_, reason),) = go(tmp_path / "run", **raw).failed
    assert reason.startswith("NotFinite: scores must be finite to be ranked;")


def test_lists_of_the_whole_catalogue_say_so(wide, tmp_path):
    note = (
        "lists of 20, 50 hold every unseen item of 20: recall, hit and precision are the same "
        "there for any order."
    )
    raw = {**SMALL, "datasets": [wide], "methods": ["random"], "references": ["most_popular"]}
    out = tmp_path / "run"
    assert not go(out, **{**raw, "metrics": "ndcg@5,recall@20,50"}).failed
    assert all(note in record["notes"] for record in records(out).values())
    assert not go(tmp_path / "short", **{**raw, "metrics": "ndcg@5,19"}).failed
    assert not any("hold every" in n for n in records(tmp_path / "short")["random"]["notes"])


def test_a_composition_that_selects_from_too_few_candidates_is_noted(wide, tmp_path):
    """popularity draws one candidate a row, and dns keeps the highest scored of it."""
    rows = (
        "popularity+dns,popularity+ahns,popularity(negatives=4)+dns_mn,random(negatives=4)+dns,"
        "popularity+tce,dns"
    )
    go(tmp_path / "out", datasets=wide, methods=rows, **SMALL)
    noted = {
        name: any("scores select nothing" in note for note in record["notes"])
        for name, record in records(tmp_path / "out").items()
    }
    assert noted == {
        "popularity+dns": True,
        "popularity+ahns": True,
        "popularity+dns_mn": True,
        "popularity+tce": False,
        "random+dns": False,
        "dns": False,
    }
