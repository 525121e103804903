"""Search spaces of rows: shared prior, the backbone's own ranges, two of the method's own."""

import pytest

from negbench.errors import UserError
from negbench.experiment.options.method_words import method_word
from negbench.plugins import registry
from negbench.tuning.points import unit_points
from negbench.tuning.space import reference_space, shared_ranges, space_of
from negbench.tuning.space_file import read_space

METHODS = registry.names("methods")


def names(space):
    return [each.name for _, each in space.parameters]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_the_shared_part_and_at_most_two_of_its_own(method):
    space = space_of(method, "mf", (), {})
    assert names(space)[:2] == ["lr", "l2"]
    own = [each.name for column, each in space.parameters if column >= 6]
    assert len(own) <= 2 and "negatives" not in own and "tau" not in names(space)[3:]


@pytest.mark.parametrize("method", METHODS)
def test_every_trial_is_a_word_that_can_be_typed(method):
    space = space_of(method, "mf", (), {})
    for point in unit_points(7):
        values = space.settings_at(point)
        word = method_word(space.word(values), None, "tfidf")
        assert {name: word.train[name] for name in ("lr", "l2")} == {
            name: values[name] for name in ("lr", "l2")
        }


def test_all_methods_try_the_same_learning_rates_and_l2():
    tried = {
        tuple(
            (v["lr"], v["l2"]) for v in map(space_of(m, "mf", (), {}).settings_at, unit_points(9))
        )
        for m in METHODS
    }
    assert len(tried) == 1
    (pairs,) = tried
    assert 0.0 in {l2 for _, l2 in shared_points(33)} and 0.0 not in {lr for lr, _ in pairs}


def shared_points(n):
    space = space_of("random", "mf", (), {})
    return [(v["lr"], v["l2"]) for v in map(space.settings_at, unit_points(n))]


@pytest.mark.parametrize(
    ("method", "tuned"),
    [
        ("info_nce", True),
        ("bc_loss", True),
        ("adv_infonce", True),
        ("info_nce(similarity=backbone)", False),
        ("info_nce(tau=0.1)", False),
        ("shapley", False),
        ("random", False),
        ("popularity+info_nce", True),
    ],
)
def test_the_temperature_is_shared_where_scores_are_cosines(method, tuned):
    space = space_of(method, "mf", (), {})
    assert ((2, "tau") in [(column, each.name) for column, each in space.parameters]) is tuned
    if tuned:
        tau = next(each for _, each in space.parameters if each.name == "tau")
        assert (tau.kind, tau.values) == ("log", (0.03, 0.5))


def test_what_is_typed_is_not_searched():
    assert "candidates" in names(space_of("dns", "mf", (), {}))
    assert names(space_of("dns(candidates=8)", "mf", (), {})) == ["lr", "l2"]
    assert "lr" not in names(space_of("dns@lr=0.01", "mf", (), {}))
    assert "l2" not in names(space_of("dns", "mf", ("l2",), {}))
    assert "lr" not in names(space_of("dns", "mf(lr=0.1)", (), {}))


def test_typed_settings_stay_in_the_words_of_trials():
    space = space_of("dns(candidates=8)@lr=0.01", "mf", (), {})
    assert space.word({"l2": 0.001}) == "dns(candidates=8)@(l2=0.001,lr=0.01)"
    assert space_of("dns(objective=bpr)", "mf", (), {}).word({"candidates": 4, "l2": 0.0}) == (
        "dns(candidates=4,objective=bpr)@l2=0.0"
    )


def test_a_composition_searches_its_last_method_first():
    space = space_of("popularity+dns_mn", "mf", (), {})
    assert names(space) == ["lr", "l2", "top", "exponent"]
    word = space.word({"top": 4, "exponent": 0.5, "lr": 0.01})
    assert word == "popularity(exponent=0.5)+dns_mn(top=4)@lr=0.01"


def test_what_a_forced_objective_leaves_unread_is_not_searched():
    """The temperatures of bsl are of its loss, which gives way to BPR; so is the tau of DCL."""
    assert names(space_of("bsl", "mf", (), {})) == ["lr", "l2", "positive", "negative"]
    assert names(space_of("bsl", "mf", (), {}, "bpr")) == ["lr", "l2"]
    assert names(space_of("bsl(objective=bpr)", "mf", (), {})) == ["lr", "l2"]
    assert names(space_of("dns", "mf", (), {}, "bce")) == ["lr", "l2", "candidates"]


def test_what_changes_nothing_in_a_composition_is_not_searched():
    """The candidates of dns are its sampler's, which gives way to popularity's."""
    assert names(space_of("popularity+dns", "mf", (), {})) == ["lr", "l2", "exponent"]


@pytest.mark.parametrize(
    ("method", "values", "word"),
    [
        (  # both have a number of candidates, and the last one's is searched
            "dns+dns_mn",
            {"candidates": 16, "top": 2},
            "dns+dns_mn(candidates=16,top=2)",
        ),
        (
            "dns+dns_mn(top=2)",
            {"candidates": 16},
            "dns+dns_mn(candidates=16,top=2)",
        ),
        (  # the tau of a sampler is none of a loss of cosines
            "shapley+info_nce",
            {"tau": 0.1, "weight": 1.0},
            "shapley+info_nce(tau=0.1,weight=1.0)",
        ),
        ("info_nce+shapley", {"tau": 0.1}, "info_nce(tau=0.1)+shapley"),
    ],
)
def test_a_value_goes_to_the_one_term_that_searches_it(method, values, word):
    space = space_of(method, "mf", (), {})
    assert {*values} <= {*names(space)}
    assert space.word(values) == word


def test_a_parameter_that_no_card_searches_is_trained_where_a_file_gives_its_range():
    space = space_of("info_nce", "mf", (), {"info_nce": {"similarity": ("of", "backbone")}})
    word = space.word(space.settings_at(unit_points(1)[0]))
    assert word.startswith("info_nce(similarity=backbone,tau=")


def test_a_name_of_the_backbone_is_searched_there_alone():
    space = space_of("til(rate=0.1)", "gru4rec", (), {})
    assert names(space) == ["lr", "l2", "dropout", "hidden", "share"]
    assert space.owner("hidden") == "backbone"
    assert "hidden" in names(space_of("til(rate=0.1)", "mf", (), {}))
    own = space_of("shapley(use=weights,per=bucket)", "mf", (), {}).parameters[-2:]
    assert [(column, each.name) for column, each in own] == [(6, "tau"), (7, "candidates")]


@pytest.mark.parametrize("backbone", registry.names("backbones"))
def test_a_backbone_brings_its_own_ranges(backbone):
    search = registry.card("backbones", backbone).search
    space = space_of("random", backbone, (), {})
    owned = {each.name: each for _, each in space.parameters}
    assert (owned["lr"].kind, *owned["lr"].values) == tuple(search["lr"])
    assert set(search) - {"dim"} <= set(owned) | {"lr", "l2"}
    for name in set(search) - {"lr", "l2", "dim"}:
        assert owned[name].owner == "backbone"


def test_references_are_tuned_too():
    assert names(reference_space("ease", {})) == ["l2"]
    assert names(reference_space("item_knn", {})) == ["neighbours", "shrinkage"]
    assert names(reference_space("most_popular", {})) == []
    assert reference_space("ease", {}).word({"l2": 10.0}) == "ease(l2=10.0)"


def space_file(folder, text):
    path = folder / "space.toml"
    path.write_text(text)
    return path


def test_a_space_file_takes_the_place_of_the_cards(tmp_path):
    own = read_space(
        space_file(
            tmp_path, '[shared]\nlr = ["log", 0.001, 0.01]\n[dns]\ncandidates = ["of", 4, 8]\n'
        )
    )
    space = dict((each.name, each) for _, each in space_of("dns", "mf", (), own).parameters)
    assert space["lr"].values == (0.001, 0.01) and space["candidates"].values == (4, 8)
    assert shared_ranges("mf", own) != shared_ranges("mf", {})
    assert (
        space_of("random", "mf", (), own).parameters[1]
        == space_of("random", "mf", (), {}).parameters[1]
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[dnss]\ncandidates = ["of", 4]\n', "did you mean dns"),
        ('[dns]\ncandidate = ["of", 4]\n', "did you mean candidates"),
        ('[dns]\ncandidates = ["log", 4]\n', "range of candidates"),
        ("dns = 3\n", "section"),
        ("[dns\n", "valid TOML"),
        ('[shared]\ndim = ["of", 4]\n', "lr, l2, tau"),
    ],
)
def test_a_wrong_space_file_is_refused(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        read_space(space_file(tmp_path, text))
