"""The published numbers: every file parses, every term means something, and none is there twice."""

from collections import Counter
from pathlib import Path

import pytest

from negbench.errors import UserError
from negbench.evaluation.metric_names import parse_metric, parse_metrics
from negbench.experiment.options.options import Options
from negbench.plugins import registry
from negbench.reproduction import targets
from negbench.reproduction.experiments import OURS, THEIRS, Way, experiments, specs
from negbench.reproduction.targets import CHOSEN, block_of, blocks, choose, why_not

BLOCKS = sorted(blocks())
ROWS = [(block, row) for block in blocks().values() for row in block.rows]


def raw(**own):
    block = {
        "name": "b",
        "title": "t",
        "dataset": "goodbooks",
        "backbone": "mf",
        "source": "s",
        "selected": "V",
        "tolerance": 0.03,
        "metrics": ["recall@20", "ndcg@20"],
        "settings": {"dim": 8},
        "rows": [{"name": "a", "method": "dns", "values": [0.1, 0.2]}],
    }
    return {**block, **own}


def row(**own):
    return raw(rows=[{"name": "a", "method": "dns", "values": [0.1, 0.2], **own}])


def test_there_are_many_rows_and_most_can_be_run():
    assert len(ROWS) >= 150
    assert sum(not why_not(*pair) for pair in ROWS) >= 60


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_can_be_typed_and_its_rows_are_distinct(name):
    block = blocks()[name]
    assert name == name.lower() and not set(name) & set(": ,")
    names = Counter(each.name for each in block.rows)
    labels = Counter(each.label for each in block.rows)
    assert max(names.values()) == max(labels.values()) == 1
    assert not any(set(each) & set(": ,") for each in names)


@pytest.mark.parametrize("name", BLOCKS)
def test_numbers_are_shares_and_metrics_are_known(name):
    block = blocks()[name]
    for metric in block.metrics:
        parse_metric(metric)
    for each in block.rows:
        assert len(each.values) == len(block.metrics) and all(0 < v < 1 for v in each.values)
        assert all(round(v, 4) == v for v in each.values)
        assert each.selected in CHOSEN and each.source
    assert 0 < block.tolerance <= 0.1


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("protocol", [THEIRS, OURS])
def test_every_row_is_a_cell_or_says_why_not(name, protocol):
    """Terms, settings and protocol of each row are built and checked, without any data."""
    block = blocks()[name]
    seen = set()
    for each, spec in specs(block, block.rows, protocol, Way(Path("out"), seeds=(3,))):
        spec.check()
        measured = {f"{metric}@{k}" for metric, k in parse_metrics(spec.metrics)}
        assert set(block.metrics) <= measured
        seen.add(each.name)
    assert seen == {each.name for each in block.rows if not why_not(block, each)}


def test_what_is_absent_is_named_and_nothing_that_is_there():
    for block, each in ROWS:
        why = why_not(block, each)
        if not why and not each.reference:
            assert each.backbone.partition("(")[0] in registry.names("backbones")
        if each.why.startswith("data set "):  # the sentence may not outlive its reason
            assert block.dataset not in registry.names("datasets"), block.name


def test_the_rows_of_a_block_differ_in_their_settings():
    for block in blocks().values():
        for options, group in experiments(block, block.rows, THEIRS, Way(Path("out"))):
            words = {*options.methods, *options.references}
            assert len(words) == len(group)


def test_the_published_protocol_is_not_the_suites():
    block = blocks()["health-mf"]
    ((theirs, group),) = experiments(block, block.rows, THEIRS, Way(Path("out")))
    assert (theirs.mask, theirs.split, theirs.probe) == ("train", "files", "off")
    assert {k: theirs.train[k] for k in ("epochs", "eval_every", "patience")} == {
        "epochs": 200,
        "eval_every": 5,
        "patience": 200,
    }
    assert theirs.references == ("ease(l2=200)", "ease(l2=300)", "most_popular")
    assert [each.name for each in group[:4]] == ["ease", "ease-300", "popular", "bpr"]
    ((ours, _),) = experiments(block, block.rows, OURS, Way(Path("out")))
    assert ours.mask == Options().mask and not ours.train
    assert any("lr=0.1" in word for word in ours.methods)  # the settings are the published ones


def test_an_epoch_chosen_on_test_is_a_number_of_epochs_under_their_protocol_alone():
    block = blocks()["dens-toy"]
    (theirs, _) = experiments(block, block.rows, THEIRS, Way(Path("out")))[0]
    (ours, _) = experiments(block, block.rows, OURS, Way(Path("out")))[0]
    assert theirs.split == "files(0)" and "epochs=126" in theirs.methods[0]
    assert "epochs" not in ours.methods[0] and ours.split == "auto"


def test_blocks_and_rows_are_chosen_by_words():
    (one,) = choose(("health-mf:bsl, sl",))
    assert [each.name for each in one[1]] == ["bsl", "sl"]
    merged = choose(("health-mf:sl", "dens-toy", "health-mf:psl,sl"))
    assert [(b.name, [r.name for r in rows]) for b, rows in merged] == [
        ("health-mf", ["sl", "psl"]),
        ("dens-toy", ["rns", "dns", "mixgcf", "dens"]),
    ]
    assert len(choose(("all",))) == len(BLOCKS)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("health", "blocks must be known; got 'health'"),
        ("health-mf:bls", "rows of health-mf must be known; got 'bls'; did you mean bsl"),
        ("health-mf:", "rows must follow the colon, as in health-mf:bpr"),
    ],
)
def test_an_unknown_word_is_one_sentence(word, sentence):
    with pytest.raises(UserError) as error:
        choose((word,))
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (row(values=[0.1]), "1 values for 2 metrics"),
        (row(selected="W"), "selected must be of V, Vt, T, ?"),
        (row(reference="ease"), "both a method and a reference"),
        (raw(rows=[{"name": "a", "values": [0.1, 0.2]}]), "neither a method"),
        (row(wight=1), "wight"),
        (raw(colour=1), "colour"),
    ],
)
def test_a_wrong_file_is_refused(given, sentence):
    with pytest.raises(ValueError, match="b") as error:
        block_of(given)
    assert sentence in str(error.value)


def test_settings_of_a_row_go_over_those_of_its_block():
    (each,) = block_of(row(settings={"dim": 4, "lr": 0.1})).rows
    assert each.settings == {"dim": 4, "lr": 0.1} and each.backbone == "mf"


def test_names_that_are_not_registered_are_a_reason():
    block = block_of(row(backbone="nope", method="dns+nix"))
    assert why_not(block, block.rows[0]) == "backbone nope and method nix is not registered"
    assert targets.why_not(block_of(raw()), block_of(raw()).rows[0]) == ""
