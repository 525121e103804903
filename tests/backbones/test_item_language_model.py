"""tiny_lm on a model of Hugging Face: what every reader of histories keeps to, and what is kept."""

import copy
import io
import math
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner
from helpers.sequence_backbone_checks import (
    WORLD,
    check_causality,
    check_cut,
    check_dropout,
    check_each_history_by_itself,
    check_encode,
    check_padding,
    check_penalty,
    check_smallest,
    fresh,
)
from helpers.tiny_language_model import TEXTS, tiny_llama, trained_cell

from negbench.backbones import tiny_lm
from negbench.cli import main
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.ops import rng
from negbench.protocol.text_table import TextTable
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

pytestmark = pytest.mark.text
DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_llama(tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture
def config(model):
    return tiny_lm.Config(
        dim=8, length=6, dropout=0.3, init=0.5, model=model, lora_rank=2, lora_dropout=0.2
    )


@pytest.fixture
def plain(config):
    return replace(config, dropout=0.0, lora_dropout=0.0, length=28)


def fit_of(config, method="random", epochs=1, context=WORLD):
    backbone = fresh(tiny_lm, config, context)
    return Fit(recipe(method).build(), backbone, context, TrainConfig(epochs=epochs))


class Moved:
    """The backbone with low-rank weights that do something: B begins at zero."""

    @staticmethod
    def build(config, context, generator):
        backbone = tiny_lm.build(config, context, generator)
        for weight in backbone.low_rank:
            weight.data.normal_(std=0.3, generator=generator)
        return backbone


def test_it_keeps_to_what_a_reader_of_histories_must(config, plain):
    for kind in ("one", "four", "shared"):
        check_cut(Moved, config, kind)
    # Products without rows add in another order, and the low-rank layers enlarge the rounding.
    check_cut(Moved, config, "many", tolerance=1e-4)
    check_padding(Moved, plain)
    check_each_history_by_itself(Moved, plain)
    check_causality(Moved, plain)
    check_encode(Moved, config)
    check_dropout(Moved, config)
    check_penalty(Moved, config, replace(config, l2=0.3), 0.3)
    check_smallest(Moved, plain)


@pytest.mark.parametrize("method", ["random", "in_batch", "napo(sft_epochs=1)"])
def test_all_that_is_learnt_moves_and_the_frozen_does_not(method, config):
    fit = fit_of(config, method, epochs=2)
    blocks = fit.backbone.blocks
    before = {name: p.detach().clone() for name, p in fit.backbone.named_parameters()}
    frozen = {n: p.detach().clone() for n, p in blocks.model.named_parameters()}
    assert all(math.isfinite(row["loss"]) for row in fit.run().rows)
    assert not [n for n, p in fit.backbone.named_parameters() if torch.equal(before[n], p)]
    for name, now in blocks.model.named_parameters():
        assert torch.equal(frozen[name], now) == (name not in blocks.weights), name


def test_what_is_kept_is_what_is_learnt(config):
    backbone = fresh(tiny_lm, config)
    held = sum(value.numel() for value in backbone.state_dict().values())
    assert held == sum(p.numel() for p in backbone.parameters())
    low_rank = sum(p.numel() for p in backbone.blocks.weights.values())
    assert held == backbone.table.numel() + 2 * 8 * backbone.blocks.width + low_rank
    assert all(p.requires_grad for p in backbone.parameters())


def test_a_fit_that_was_stopped_goes_on_bit_for_bit_and_so_does_another(config):
    whole, kept = fit_of(config, "napo(sft_epochs=1)", 4), []

    def save():
        file = io.BytesIO()
        torch.save(whole.state_dict(), file)
        kept.append(file.getvalue())

    whole.run(save=save)
    again, other = (fit_of(config, "napo(sft_epochs=1)", 4) for _ in range(2))
    again.load_state_dict(torch.load(io.BytesIO(kept[1]), weights_only=True))
    again.run()
    other.run()
    for one in (again, other):
        assert [r["loss"] for r in one.progress.rows] == [r["loss"] for r in whole.progress.rows]
        for name, weight in whole.backbone.state_dict().items():
            assert torch.equal(weight, one.backbone.state_dict()[name]), name


def test_a_copy_stays_as_it_was(config):
    fit = fit_of(config)
    copied = copy.deepcopy(fit.backbone)
    before = [p.detach().clone() for p in copied.parameters()]
    fit.run()
    assert all(torch.equal(a, b) for a, b in zip(before, copied.parameters(), strict=True))


def worded(n=30):
    words = [*TEXTS[: n - 1], ""]
    vectors = torch.randn(n, 4, generator=rng.stream(0, "words")).numpy()
    return replace(WORLD, texts=lambda: TextTable.of(vectors, words=words))


def test_titles_begin_as_the_mean_of_their_tokens(config):
    from negbench.texts.lora import load_pretrained

    context = worded(WORLD.n_items)
    for width in (8, 48):  # below and above the model's
        backbone = fresh(tiny_lm, replace(config, dim=width, start="titles"), context)
        tokens = backbone.blocks.tokens
        tokenizer = load_pretrained(config.model, "AutoTokenizer")
        rows = tokenizer(list(TEXTS[: WORLD.n_items - 1]))["input_ids"]
        means = torch.stack([tokens[row].mean(0) for row in rows])
        _, _, right = torch.linalg.svd(means, full_matrices=False)
        kept = means @ right[:width].T @ right[:width]
        read = backbone.into(backbone.table[: len(means)] * backbone.scale)
        torch.testing.assert_close(read, kept, atol=1e-4, rtol=1e-3)
        random = fresh(tiny_lm, replace(config, dim=width), context)
        assert torch.equal(backbone.table[-2:], random.table[-2:]), "no words, and the padding"


def test_titles_of_vectors_alone_and_histories_too_long_are_refused(config):
    bare = replace(WORLD, texts=lambda: TextTable.of(torch.eye(WORLD.n_items).numpy()))
    with pytest.raises(UserError, match="needs data whose items have texts"):
        fresh(tiny_lm, replace(config, start="titles"), bare)
    with pytest.raises(UserError, match="at most 64; got 65"):
        fresh(tiny_lm, replace(config, length=65))


def test_from_the_command_line_the_same_seed_gives_the_same_bits(model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    backbone = f"tiny_lm(dim=8,length=10,model={model},start=titles)"
    tops = []
    for name in ("one", "two"):
        words = ["run", "-d", DATA, "-b", backbone, "-m", "napo(sft_epochs=1)", "--epochs", "2"]
        done = CliRunner().invoke(main, [*words, "--seeds", "1", "-o", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        cell = trained_cell(tmp_path / name)
        assert cell.record["status"] == "done" and model not in str(cell.record["spec"])
        tops.append([m["value"] for m in cell.record["metrics"]])
    assert tops[0] == tops[1]
