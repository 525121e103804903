"""Presets: the settings behind each name, what is typed over them, and where they are shown."""

import json
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.small_runs import DATA

import negbench
from negbench.cli import main
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins import registry
from negbench.plugins.card import Card
from negbench.plugins.term_syntax import config_of
from negbench.tuning.space import space_of

ADV = {"negatives": 64, "weight": 64.0, "interval": 5, "adversary_lr": 5e-5}
BSL = {"negatives": 800, "positives": "user", "include": False, "similarity": "cosine"}
RELEASED = {
    "dns_mn(preset=released)": {"candidates": 200, "keep": "all", "reduction": "sum"},
    "info_nce(preset=released)": {"negatives": 64, "tau": 0.28, "weight": 1.0},
    "info_nce(preset=tencent)": {"negatives": 128, "tau": 0.09, "weight": 1.0},
    "info_nce(preset=kuairec)": {"negatives": 128, "tau": 2.0, "weight": 1.0},
    "info_nce(preset=coat)": {"negatives": 64, "tau": 0.75, "weight": 1.0},
    "adv_infonce(preset=released)": ADV
    | {"tau": 0.28, "adversarial_epochs": 13, "adversary_lr": 1e-4},
    "adv_infonce(preset=tencent)": ADV | {"negatives": 128, "tau": 0.09, "adversarial_epochs": 7},
    "adv_infonce(preset=kuairec)": ADV | {"negatives": 128, "tau": 2.0, "adversarial_epochs": 12},
    "adv_infonce(preset=coat)": ADV
    | {"tau": 0.75, "interval": 15, "adversarial_epochs": 20, "adversary_lr": 1e-2},
    "bsl(preset=released)": BSL | {"positive": 0.11, "negative": 0.11, "weight": 1.1},
    "bsl(preset=gowalla)": BSL | {"positive": 0.08, "negative": 0.08, "weight": 1.22},
    "bsl(preset=ml_1m)": BSL | {"positive": 0.17, "negative": 0.17, "weight": 1.06},
    "bsl(preset=ir_benchmark)": BSL
    | {"negatives": 1000, "positives": "row", "positive": 0.2, "negative": 0.2, "weight": 1.0},
    "psl(preset=released)": {"negatives": 1000, "surrogate": "relu", "tau": 0.1, "include": False},
    "psl(preset=gowalla)": {"negatives": 1000, "surrogate": "relu", "tau": 0.05},
    "dcl(preset=released)": {"negatives": 510, "tau": 0.5, "tau_plus": 0.1},
    "hcl(preset=released)": {"negatives": 510, "tau": 0.5, "tau_plus": 0.1, "beta": 1.0},
    "divns(preset=released)": {"candidates": 10, "runners": 5, "lam": 0.8, "choice": "near"},
    "bc_loss(preset=released)": {
        "negatives": 128,
        "tau": 0.07,
        "tau_popularity": 0.1,
        "freeze_epoch": 5,
        "margin": 1.0,
    },
    "napo(preset=released)": {
        "mean_first": True,
        "grad_negatives": False,
        "mask_false": False,
        "clamp": False,
        "standardise": False,
        "alpha": 0.3,
        "beta": 1.0,
        "group": 16,
    },
    "hnlmrec(preset=released)": {
        "alpha": 1e-4,
        "loss": "hinge",
        "contrastive": 1e-3,
        "criteria": 0.0,
        "first": 5,
        "lora_batch": 16,
        "lora_lr": 2e-5,
        "lora_rank": 32,
        "lora_alpha": 8.0,
        "lora_dropout": 0.05,
    },
    "popularity(preset=apple)": {"exponent": 1.0, "smoothing": 0.0},
    "adaptive(preset=apple)": {"pool": 100, "faithful": True},
    "adaptive_mixed(preset=apple)": {"pool": 10, "uniform": 100, "faithful": True},
}


def settings_of(typed: str) -> dict[str, Any]:
    """The settings of a method as typed, in full."""
    (settings,) = recipe(typed).configs().values()
    return dict(settings)


@pytest.mark.parametrize("typed", RELEASED)
def test_the_settings_behind_a_preset(typed: str) -> None:
    config = settings_of(typed)
    assert {name: config[name] for name in RELEASED[typed]} == RELEASED[typed]


@pytest.mark.parametrize("kind", ["methods", "backbones", "references", "datasets"])
def test_every_preset_of_every_plugin_gives_what_it_says(kind: str) -> None:
    for name in registry.names(kind):
        for preset, values in registry.card(kind, name).presets.items():
            config = config_of(registry.load(kind, name), {"preset": preset}, name)
            assert {key: getattr(config, key) for key in values} == dict(values), (name, preset)


def test_what_else_is_typed_goes_over_it() -> None:
    plain, over = (
        settings_of(f"dns_mn(preset=released{more})") for more in ("", ",top=2,candidates=50")
    )
    assert plain == {"candidates": 200, "top": 4, "keep": "all", "reduction": "sum"}
    assert over == {**plain, "top": 2, "candidates": 50}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("dns_mn(preset=relesed)", "dns_mn has no preset 'relesed'; did you mean released?"),
        ("dns(preset=released)", "dns has no preset 'released'; it has none"),
        ("dns_mn(preset=[1])", "dns_mn has no preset [1]; known: released"),
        ("dns_mn(preset={})", "dns_mn has no preset {}; known: released"),
        ("dns_mn(preset=released,topp=2)", "dns_mn has no parameter 'topp'; did you mean top?"),
        ("dns_mn(preset=released,top=300)", "`top` must be from 1 to `candidates`"),
    ],
)
def test_a_wrong_one_is_one_sentence(typed: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        recipe(typed)
    assert words in str(caught.value)


def test_from_the_command_line(tmp_path) -> None:  # type: ignore[no-untyped-def]
    common = ["run", "-d", DATA, "--epochs", "1", "--seeds", "1", "--dim", "4", "--no-progress"]
    result = CliRunner().invoke(
        main, [*common, "-m", "dns_mn(preset=released,candidates=9)", "-o", str(tmp_path / "run")]
    )
    assert result.exit_code == 0, result.output
    assert "dns_mn(candidates=9,preset=released)" in result.output
    wrong = CliRunner().invoke(
        main, [*common, "-m", "dns_mn(preset=relesed)", "-o", str(tmp_path / "wrong")]
    )
    assert wrong.exit_code == 2 and "did you mean released?" in wrong.output
    assert len(wrong.output.strip().splitlines()) == 1 and not (tmp_path / "wrong").exists()


def test_two_spellings_of_the_same_settings_are_trained_alike() -> None:
    typed = "dns_mn(candidates=200,keep=all,reduction=sum)"
    assert settings_of(typed) == settings_of("dns_mn(preset=released)")


def test_a_search_goes_over_the_preset() -> None:
    space = space_of("dns_mn(preset=released)", "mf", (), {})
    names = [each.name for _, each in space.parameters if each.owner == "method"]
    assert names == ["candidates", "top"]
    word = space.word({"candidates": 64, "top": 8, "lr": 0.003})
    assert word == "dns_mn(candidates=64,preset=released,top=8)@lr=0.003"
    assert space.word({}) == "dns_mn(preset=released)"
    fixed = space_of("dns_mn(preset=released,top=2)", "mf", (), {})
    assert [e.name for _, e in fixed.parameters if e.owner == "method"] == ["candidates"]


def test_a_preset_is_tuned(tmp_path) -> None:  # type: ignore[no-untyped-def]
    small = {"trials": 2, "finalists": 1, "final_seeds": 1, "test_seeds": 2, "progress": False}
    run = negbench.tune(
        out=tmp_path / "run",
        datasets=DATA,
        methods="dns_mn(preset=released)",
        epochs=1,
        dim=4,
        space={"dns_mn": {"candidates": ("of", 9, 11)}},
        **small,  # type: ignore[arg-type]
    )
    assert set(run.frame["row"]) == {"dns_mn(preset=released)"}


def test_info_shows_a_line_for_each() -> None:
    shown = CliRunner().invoke(main, ["info", "dns_mn"]).stdout
    line = "dns_mn(preset=released)  candidates 200, keep all, reduction sum"
    assert [x for x in shown.splitlines() if "preset=released)  " in x] == [
        f"  {'preset':14}{line}"
    ]
    facts = json.loads(CliRunner().invoke(main, ["info", "dns_mn", "--json"]).stdout)
    assert facts["presets"]["released"]["candidates"] == 200
    plain = CliRunner().invoke(main, ["info", "dns"]).stdout
    assert "preset" not in plain


def test_a_card_writes_them_as_they_are_typed() -> None:
    card = Card("t", presets={"a": {"x": 1, "y": "z"}, "b": {"x": 2}})
    assert card.preset_lines("m") == ["m(preset=a)  x 1, y z", "m(preset=b)  x 2"]
    assert Card("t").preset_lines("m") == []
