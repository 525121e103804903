"""Options: every way to give them means the same; every wrong one is refused in one sentence."""

import pytest

from negbench.data.readers.column_roles import Columns
from negbench.errors import UserError
from negbench.experiment.options.experiment_file import divide, read_file
from negbench.experiment.options.options import Options, build, flatten
from negbench.experiment.options.plugin_selection import select
from negbench.experiment.run_grid import folder_of
from negbench.plugins import registry


def read(**raw):
    return build(flatten(raw))


def test_without_anything_the_defaults_stand():
    assert build({}) == Options()


@pytest.mark.parametrize(
    "given, seeds",
    [
        (3, (0, 1, 2)),
        ("3", (0, 1, 2)),
        ("0-3", (0, 1, 2, 3)),
        ("7-7", (7,)),
        ("4,7", (4, 7)),
        ([4, 7], (4, 7)),
        ("0-1,9", (0, 1, 9)),
        ([0, 0], (0,)),
    ],
)
def test_seeds(given, seeds):
    assert read(seeds=given).seeds == seeds


@pytest.mark.parametrize(
    "given, expected",
    [
        ("dns", ["dns"]),
        ("dns,random", ["dns", "random"]),
        (["dns", "random"], ["dns", "random"]),
        ("dns(candidates=4),dns(candidates=8)", ["dns(candidates=4)", "dns(candidates=8)"]),
        ("dns_mn(m=2,n=8),random", ["dns_mn(m=2,n=8)", "random"]),
        ("popularity+dns", ["popularity+dns"]),
        ("in-batch", ["in_batch"]),
        ("dns,dns", ["dns"]),
    ],
)
def test_methods_by_name(given, expected):
    assert list(read(methods=given).methods) == expected


def test_methods_by_all_glob_family_and_minus():
    known = registry.names("methods")
    assert list(select("methods", ["all"])) == known
    assert list(select("methods", ["all,-dns"])) == [n for n in known if n != "dns"]
    assert list(select("methods", ["-dns"])) == [n for n in known if n != "dns"]
    assert list(select("methods", ["dns*"])) == [n for n in known if n.startswith("dns")]
    static = [n for n in known if registry.card("methods", n).family == "static"]
    assert list(select("methods", ["static"])) == static
    assert set(select("methods", ["all", "-static", "random"])) == {*known} - {*static} | {"random"}
    assert list(select("methods", ["all,-dns*"])) == [n for n in known if "dns" not in n]


WRONG = {
    "an unknown key": ({"methdos": "dns"}, "did you mean methods"),
    "an unknown train key": ({"train": {"epoch": 3}}, "did you mean epochs"),
    "train that is no section": ({"train": 3}, "train must be a section"),
    "an unknown method": ({"methods": "dnss"}, "did you mean dns"),
    "an unknown method in a composition": ({"methods": "popularty+dns"}, "did you mean popularity"),
    "a glob that fits nothing": ({"methods": "zz*"}, "fits no name"),
    "a selection that leaves none": ({"methods": "dns,-dns"}, "leaves none"),
    "brackets left open": ({"methods": "dns(candidates=3"}, "brackets"),
    "methods that are no words": ({"methods": 3}, "must be words"),
    "a method's table that is none": ({"methods": {"dns": 3}}, "must be a table"),
    "an unknown data set": ({"datasets": "goodboks"}, "did you mean goodbooks"),
    "a data table without path": ({"datasets": [{"user": "u"}]}, "must have path"),
    "a data table with a foreign key": (
        {"datasets": [{"path": "a", "usr": "u"}]},
        "must have path",
    ),
    "an unknown backbone": ({"backbones": "mff"}, "did you mean mf"),
    "an unknown reference": ({"references": "popular"}, "did you mean most_popular"),
    "seeds that are a word": ({"seeds": "many"}, "--seeds must be"),
    "no seed": ({"seeds": 0}, "--seeds must name at least one"),
    "a year as a number of seeds": ({"seeds": 2020}, "--seeds 2020 would be 2,020 trainings a row"),
    "a year that is typed": ({"seeds": "2020"}, "write 2020-2020 for the seed 2020 alone"),
    "a negative seed": ({"seeds": -1}, "--seeds must be"),
    "a backward range of seeds": ({"seeds": "9-3"}, "--seeds must be"),
    "true as a seed": ({"seeds": [True]}, "--seeds must be"),
    "jobs below one": ({"jobs": -1}, "--jobs must be"),
    "jobs that are a word": ({"jobs": "many"}, "--jobs must be"),
    "threads of nought": ({"threads": 0}, "--threads must be"),
    "a device that is none": ({"device": "gpu"}, "--device must be"),
    "a k-core below nought": ({"k_core": -2}, "--k-core must be"),
    "a k-core that is no number": ({"k_core": "five"}, "--k-core must be"),
    "an unknown split": ({"split": "ration"}, "did you mean ratio"),
    "a split with numbers it does not take": ({"split": "loo(3)"}, "takes no numbers"),
    "a split that is no text": ({"split": 3}, "--split must be text"),
    "an unknown exclusion": ({"exclude": "trian"}, "--exclude must be one of"),
    "an unknown band rule": ({"bands": "mas"}, "did you mean mass"),
    "falling band cuts": ({"bands": "mass:2/3,1/3"}, "rising"),
    "an unknown metric": ({"metrics": "ndgc@20"}, "did you mean ndcg"),
    "a metric without its K": ({"metrics": "ndcg"}, "needs a list length"),
    "an unknown objective": ({"objective": "bprr"}, "did you mean bpr"),
    "an unknown probe": ({"probe": "ful"}, "--probe must be one of sample, full, off"),
    "a share that is the whole": ({"plant": 1}, "--plant must be a share from 0 to below 1"),
    "a share that is a word": ({"plant": "some"}, "--plant must be a share"),
    "a log below nought": ({"log_negatives": -5}, "--log-negatives must be"),
    "an unknown overwrite": ({"overwrite": "some"}, "--overwrite must be one of"),
    "epochs of nought": ({"epochs": 0}, "epochs"),
    "epochs that are a word": ({"epochs": "many"}, "whole number"),
    "half an epoch": ({"epochs": 1.5}, "whole number"),
    "patience of nought": ({"patience": 0}, "patience"),
    "evaluation never": ({"eval_every": 0}, "eval_every"),
    "a step of nought": ({"lr": 0}, "lr must be above 0"),
    "a negative penalty": ({"l2": -1}, "l2 must be 0 or more"),
    "a width of nought": ({"dim": 0}, "dim must be above 0"),
    "a batch of nought": ({"batch_size": 0}, "batch_size must be above 0"),
    "a negative time limit": ({"time_limit": -1}, "time_limit must be 0 or more"),
    "a selection by two metrics": ({"select": "recall,ndcg@20"}, "select must be one metric@K"),
    "a least rating that is a word": ({"min_rating": "good"}, "--min-rating must be a number"),
    "a plug-in that is not there": ({"plugins": "no.py"}, "--plugin must be a Python file"),
    "plug-ins that are no paths": ({"plugins": [3]}, "must be paths"),
    "checkpoints before the start": ({"checkpoint_every": -1}, "--checkpoint-every must be"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_option_is_refused_in_one_sentence(wrong):
    raw, message = WRONG[wrong]
    with pytest.raises(UserError) as caught:
        build(flatten(raw))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_and_words_mean_the_same(tmp_path):
    toml = tmp_path / "one.toml"
    toml.write_text(
        'datasets = ["goodbooks", { path = "clicks.csv", user = "uid", item = "sku" }]\n'
        'backbones = ["mf"]\nseeds = [0, 1]\nk_core = 5\n'
        "[methods]\nrandom = {}\ndns = [{ candidates = 8 }, { candidates = 32 }]\n"
        "[train]\nlr = 1e-3\nepochs = 4\n"
    )
    options = build(flatten(read_file(toml)))
    assert options.methods == ("random", "dns(candidates=8)", "dns(candidates=32)")
    assert options.datasets == ("goodbooks", "clicks.csv")
    assert options.columns_of("clicks.csv") == Columns(user="uid", item="sku")
    assert options.columns_of("goodbooks") == Columns()
    assert "layout" not in options.as_flat() and "order" not in options.as_flat()
    assert options.train == {"lr": 0.001, "epochs": 4}
    typed = read(
        seeds=2, epochs=4, lr="1e-3", methods="random,dns(candidates=8),dns(candidates=32)"
    )
    assert (typed.methods, typed.seeds, typed.train) == (
        options.methods,
        options.seeds,
        {"epochs": 4, "lr": 0.001},
    )


def test_yaml_reads_as_toml_and_runs_nothing(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_text("methods: [dns, random]\ntrain: {lr: 1e-3}\n")
    assert build(flatten(read_file(path))).train == {"lr": 0.001}
    path.write_text("methods: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(UserError, match="must be valid YAML"):
        read_file(path)


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("a.toml", "methods = [", "must be valid TOML"),
        ("a.yaml", "a: [", "must be valid YAML"),
        ("a.yaml", "- dns\n", "must hold keys"),
        ("a.json", "{}", "must be there and end in"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        read_file(tmp_path / name)


def test_plain_words_are_a_file_and_overrides():
    file, overrides = divide(["e.toml", "train.lr=0.005", "methods=dns(candidates=3)", "seeds=4,7"])
    assert str(file) == "e.toml"
    assert overrides == {
        "train.lr": 0.005,
        "methods": "dns(candidates=3)",
        "seeds": "4,7",
    }
    with pytest.raises(UserError, match="-m"):
        divide(["dns"])
    with pytest.raises(UserError, match="one experiment file"):
        divide(["a.toml", "b.toml"])


def test_stored_options_are_read_again_alike(tmp_path):
    (tmp_path / "my.csv").touch()
    first = read(
        datasets=[{"path": str(tmp_path / "my.csv"), "user": "u"}],
        methods="dns(candidates=4)",
        seeds="4,7",
        lr=0.1,
        jobs="auto",
        objective="gbce(t=0.5)",
        metrics="recall,ndcg@5,10",
    )
    assert build(flatten(first.as_flat())) == first


def test_the_same_command_has_the_same_folder_and_other_data_rules_another():
    def folder(**raw):
        return folder_of(read(**raw)).as_posix()

    assert folder() == "runs/goodbooks"
    assert folder(methods="dns", seeds=1, backbones="mf", jobs=2) == "runs/goodbooks"
    assert folder(datasets="goodbooks,kuairec") == "runs/goodbooks+kuairec"
    assert folder(name="first") == "runs/first"
    assert folder(out="here") == "here"
    special = {folder(k_core=5), folder(epochs=3), folder(epochs=4), folder(split="loo")}
    assert len(special) == 4 and all(each.startswith("runs/goodbooks-") for each in special)


@pytest.mark.parametrize("key", ["out", "data_dir"])
def test_a_folder_whose_name_is_no_utf8_is_one_sentence(key):
    """Claims and printed lines met it with a traceback."""
    with pytest.raises(UserError, match=r"must be a path in UTF-8; got 'runs/\\udcff'"):
        build({key: "runs/\udcff"})
