"""Objectives, metrics, references, probes and figures of plug-ins: names, numbers, identity."""

from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import negbench
from negbench.composition import objective, recipe
from negbench.errors import UserError
from negbench.evaluation.metric_kernels import event_values, metric_values
from negbench.evaluation.metric_names import METRICS, Metric, parse_metrics
from negbench.parts import OBJECTIVES
from negbench.plugins import registry
from negbench.plugins.built_in import built_in
from negbench.plugins.kinds import KINDS
from negbench.plugins.term_syntax import parse
from negbench.probes.probe_words import MODES, probe_words

HEAD = '"""Ours."""\nfrom negbench.protocol import Card\nCARD = Card(title="Ours", family="{}")\n'
PRECISION = HEAD.format("metric") + "def values(hits, relevant, k):\n    return hits.sum(1) / k\n"
FEWER = PRECISION.replace("hits.sum(1) / k", "(hits.sum(1) / k)[:-1]")
PROBE = HEAD.format("probe") + (
    "class Steps:\n"
    "    n = 0\n"
    "    def wants(self, number):\n"
    "        return True\n"
    "    def watch(self, step, drawn, used, feedback):\n"
    "        self.n += 1\n"
    "    def epoch(self, number):\n"
    "        return {'steps': self.n, 'none': float('nan')}\n"
    "def build(config, scenario, context):\n"
    "    return Steps()\n"
)
OBJECTIVE = HEAD.format("objective") + (
    "from negbench.parts import BPR\ndef build(config):\n    return BPR()\n"
)
REFERENCE = HEAD.format("reference") + (
    "import torch\n"
    "class Model:\n"
    "    def scores(self, users):\n"
    "        return torch.arange(60.0).repeat(len(users), 1)\n"
    "def build(config, train):\n"
    "    return Model()\n"
)
FIGURE = HEAD.format("figure") + "def plots(run, metric=None):\n    return 1\n"
TINY = {
    "datasets": "synthetic(users=80,items=60,interactions=1200,relevant=0.3)",
    "methods": "random",
    "seeds": 1,
    "epochs": 1,
    "progress": False,
}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "family"),
    [
        (PRECISION, "metrics"),
        (PROBE, "probes"),
        (OBJECTIVE, "objectives"),
        (REFERENCE, "references"),
        (FIGURE, "figures"),
    ],
)
def test_the_family_of_the_card_tells_the_kind(text, family, tmp_path):
    assert registry.family_of(write(tmp_path, "ours", text)) == family
    registry.add_plugin(tmp_path / "ours.py")
    assert registry.added(family) == ["ours"]
    assert registry.card(family, "ours").title == "Ours"


def test_built_in_names_are_those_that_work():
    assert built_in("objectives") == set(OBJECTIVES)
    assert built_in("metrics") == set(METRICS)
    assert built_in("probes") == set(MODES)
    assert {"ranks", "fn-rate", "cd"} <= built_in("figures")
    for kind in KINDS:
        assert registry.names(kind.family)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("ndcg", PRECISION, "metrics already has 'ndcg'"),
        ("bpr", OBJECTIVE, "objectives already has 'bpr'"),
        ("full", PROBE, "probes already has 'full'"),
        ("ranks", FIGURE, "figures already has 'ranks'"),
        ("ease", REFERENCE, "references already has 'ease'"),
        ("ours", PRECISION.replace("values", "build"), r"a metric must define values\(hits"),
        ("ours", FIGURE.replace("plots", "values"), r"a figure must define plots\(run"),
    ],
)
def test_an_unusable_file_is_one_sentence(name, text, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        registry.add_plugin(write(tmp_path, name, text))


LISTS = st.lists(st.lists(st.integers(1, 12), max_size=6, unique=True), min_size=1, max_size=6)


@given(LISTS, st.integers(1, 15), st.integers(0, 3))
def test_a_metric_of_the_same_formula_is_the_same_metric(tmp_path_factory, ranks, k, hidden):
    """Against the built-in precision; `hidden` relevant items of each list are not ranked."""
    folder = tmp_path_factory.mktemp("metric")
    registry._plugins.clear()
    registry.add_plugin(write(folder, "ours", PRECISION))
    lists = [each + [0] * hidden for each in ranks]
    rows = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
    flat = np.array([rank for each in lists for rank in each], np.int64)
    relevant = np.array([len(each) for each in lists])
    for of in (metric_values, event_values):
        values = of(rows, flat, relevant, [Metric("ours", k), Metric("precision", k)])
        assert np.allclose(*values.values(), equal_nan=True)


def test_blocks_of_lists_give_what_all_at_once_give(tmp_path, monkeypatch):
    registry.add_plugin(write(tmp_path, "ours", PRECISION))
    draws = np.random.default_rng(0)
    rows, ranks = draws.integers(0, 9, 40), draws.integers(0, 20, 40)
    relevant, asked = np.bincount(rows, minlength=9), [Metric("ours", 10)]
    whole = metric_values(rows, ranks, relevant, asked)[asked[0]]
    monkeypatch.setattr("negbench.evaluation.own_metrics.BLOCK", 20)
    assert np.array_equal(whole, metric_values(rows, ranks, relevant, asked)[asked[0]])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (FEWER, r"must give one number a list, \[2\]; got \[1\]"),
        (PRECISION.replace("/ k", "/ 0 * k"), "got a value that is none"),
        (PRECISION.replace("/ k", "/ no"), "raised NameError"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_a_wrong_metric_is_one_sentence(text, sentence, tmp_path):
    registry.add_plugin(write(tmp_path, "ours", text))
    with pytest.raises(UserError, match=sentence):
        metric_values(np.array([0]), np.array([1]), np.array([1, 1]), [Metric("ours", 2)])


def test_metric_names(tmp_path):
    with pytest.raises(UserError, match="unknown metric `ours`"):
        parse_metrics("ours@5")
    assert parse_metrics("ours@5", also={"ours"}) == [Metric("ours", 5)]
    registry.add_plugin(write(tmp_path, "ours", PRECISION))
    assert parse_metrics("ndcg,ours@5") == [Metric("ndcg", 5), Metric("ours", 5)]
    assert Metric.recorded("HR@10") == Metric("hit", 10)
    assert Metric.recorded("Gone@10") == Metric("Gone", 10)


def test_a_package_outside_adds_a_metric(tmp_path, monkeypatch):
    write(tmp_path, "their_metrics", PRECISION)
    monkeypatch.syspath_prepend(tmp_path)
    points = {"negbench.metrics": (EntryPoint("theirs", "their_metrics", "negbench.metrics"),)}
    monkeypatch.setattr(registry, "entry_points", lambda *, group: points.get(group, ()))
    registry._entry_points.cache_clear()
    try:
        assert parse_metrics("theirs@3") == [Metric("theirs", 3)]
        values = metric_values(np.array([0]), np.array([2]), np.array([1]), [Metric("theirs", 4)])
        assert values[Metric("theirs", 4)].tolist() == [0.25]
        assert len(registry.code("metrics", "theirs")) == 12
    finally:
        registry._entry_points.cache_clear()


def test_a_file_may_become_another_kind(tmp_path):
    registry.add_plugin(write(tmp_path, "ours", PRECISION))
    registry.add_plugin(write(tmp_path, "ours", PROBE))
    assert registry.added("probes") == ["ours"] and not registry.added("metrics")


def test_objective_names(tmp_path):
    registry.add_plugin(write(tmp_path, "ours", OBJECTIVE))
    assert type(objective(parse("ours"))).__name__ == "BPR"
    assert recipe("random", "ours").variant == "objective=ours"
    with pytest.raises(UserError, match="ours has no parameter 'a'"):
        objective(parse("ours(a=1)"))
    registry.add_plugin(write(tmp_path, "empty", OBJECTIVE.replace("BPR()", "None")))
    with pytest.raises(UserError, match="build of objective empty must return an object"):
        objective(parse("empty"))


def test_probe_words(tmp_path):
    registry.add_plugin(write(tmp_path, "ours", PROBE))
    for text, canonical in (("ours", "sample,ours"), ("ours,off", "off,ours"), ("full", "full")):
        assert str(probe_words(text)) == canonical
    for text, sentence in (
        ("sample,full", "one mode"),
        ("ours,ours", "each probe once"),
        ("our", "did you mean ours"),
        ("ours(a=1)", "no parameter 'a'"),
        ("", "one mode"),
    ):
        with pytest.raises(UserError, match=sentence):
            probe_words(text)


def test_an_edit_trains_again_where_it_changes_a_number(tmp_path):
    """Objective, metric, probe and reference are part of what a cell is; a figure is not."""
    texts = {
        "my_loss": OBJECTIVE,
        "my_metric": PRECISION,
        "my_probe": PROBE,
        "my_reference": REFERENCE,
        "my_figure": FIGURE,
    }
    files = [write(tmp_path, name, text) for name, text in texts.items()]

    def digests():
        run = negbench.run(
            **TINY,
            plugins=files,
            objective="my_loss",
            metrics="ndcg,my_metric@5",
            probe="my_probe",
            references="my_reference",
            out=tmp_path / "run",
        )
        return {cell.spec["backbone"]: cell.folder.name for cell in run.records.cells}

    first = digests()
    assert digests() == first
    for name, trained in (
        ("my_figure", set()),
        ("my_loss", {"mf"}),
        ("my_probe", {"mf"}),
        ("my_metric", {"mf", "reference"}),
        ("my_reference", {"reference"}),
    ):
        before, path = digests(), tmp_path / f"{name}.py"
        path.write_text(path.read_text() + "# edited\n")
        after = digests()
        assert {each for each in after if after[each] != before[each]} == trained, name


def test_a_probe_leaves_training_as_it_is_and_is_recorded(tmp_path):
    path = write(tmp_path, "my_probe", PROBE)
    runs = {
        probe: negbench.run(**TINY, plugins=path, probe=probe, out=tmp_path / probe)
        for probe in ("sample", "my_probe")
    }
    frames = {
        probe: run.frame.set_index(["split", "metric", "k", "band"]) for probe, run in runs.items()
    }
    plain, watched = (frames[probe]["value"] for probe in runs)
    assert watched["train", "my_probe.steps", 0, "all"] >= 1
    assert ("train", "my_probe.none", 0, "all") not in watched.index
    assert watched.loc[plain.index].equals(plain)


def test_a_metric_stays_readable_without_its_file(tmp_path):
    path = write(tmp_path, "my_metric", PRECISION)
    negbench.run(**TINY, plugins=path, metrics="ndcg,my_metric@5", out=tmp_path / "run")
    registry._plugins.clear()
    run = negbench.open_run(tmp_path / "run")
    assert "my_metric@5" in run.table(metric="my_metric@5")
    with pytest.raises(UserError, match="metric my_metric is a plug-in's and is not here"):
        run.table(metric="my_metric@7")
    with pytest.raises(UserError, match="metric my_metric is a plug-in's and is not here"):
        negbench.open_run(tmp_path / "run", bands="items:0.5").table(metric="my_metric@5")
    registry.add_plugin(path)
    assert "my_metric@7" in negbench.open_run(tmp_path / "run").table(metric="my_metric@7")


def test_a_figure_that_goes_wrong_is_one_sentence(tmp_path):
    run = negbench.run(**TINY, plugins=write(tmp_path, "my_figure", FIGURE), out=tmp_path / "run")
    with pytest.raises(UserError, match="figure my_figure must give a list of Plot; got 1"):
        run.plot("my_figure")
    path = write(tmp_path, "other", FIGURE.replace("return 1", "1 / 0"))
    registry.add_plugin(path)
    with pytest.raises(UserError, match="figure other must draw; .* raised ZeroDivisionError"):
        run.plot("other")
