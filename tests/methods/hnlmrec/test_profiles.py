"""Profiles out of train alone, their encoding by a fine-tuned model, and its checkpoint."""

import io
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner
from helpers.probe_scenarios import fit_on, small_scenario
from helpers.tiny_language_model import TEXTS, minilm, tiny_llama, trained_cell

from negbench.cli import main
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods.hnlmrec.profiles import ITEM_WORDS, PROFILE_ITEMS, user_profiles
from negbench.methods.hnlmrec.text_controls import permuted, random_like
from negbench.ops.rng import stream
from negbench.protocol.text_table import TextTable
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness, default_context

QUICK = "first=1,every=2,ramp=1,hidden=16,candidates=16,pairs=24,lora_batch=8,tokens=12"
DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return tiny_llama(tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def worded():
    scenario = small_scenario()
    texts = (*TEXTS[: scenario.interactions.n_items - 1], "")
    return replace(scenario, interactions=replace(scenario.interactions, item_texts=texts))


def profiles(trainer):
    (part,) = trainer.method.stages
    return part.generator.profiles


def test_a_user_is_described_by_a_few_train_items():
    context = default_context()
    words = [f"item{at} " + "word " * 20 for at in range(11)] + [""]
    texts = user_profiles(context, words)
    assert texts == user_profiles(context, words) != user_profiles(replace(context, seed=1), words)
    for user, text in enumerate(texts):
        named = [int(piece.split()[0][4:]) for piece in text.removeprefix("likes: ").split("; ")]
        train = set(context.train.row(user).tolist())
        assert len(named) == min(PROFILE_ITEMS, len(train)) and set(named) <= train
        assert all(len(piece.split()) <= ITEM_WORDS for piece in text[7:].split("; "))
    assert user_profiles(context, [""] * 12) == [""] * 7


def test_words_go_with_their_vectors_and_random_vectors_have_none():
    vectors = torch.eye(5).numpy()
    vectors[3] = 0
    table = TextTable.of(vectors, words=["a", "b", "c", "", "e"])
    moved = permuted(table, stream(1, "order"))
    assert moved.words is not None and moved.words != table.words and moved.words[3] == ""
    for row, word in zip(moved.vectors, moved.words, strict=True):
        assert torch.equal(row, table.vectors[table.words.index(word)])
    assert random_like(table, stream(1, "order")).words is None
    assert permuted(TextTable.of(vectors), stream(1, "order")).words is None


def test_a_scenario_gives_the_texts_beside_the_vectors(tmp_path):
    import numpy as np

    scenario = worded()
    np.save(tmp_path / "t.npy", np.eye(30))
    for encoder in ("tfidf", str(tmp_path / "t.npy")):
        assert (
            scenario.texts(encoder, torch.device("cpu")).words == scenario.interactions.item_texts
        )


@pytest.mark.text
@pytest.mark.parametrize("check", CHECKS)
def test_conforms(check, llama):
    conforms(f"hnlmrec({QUICK},warmup=0,model={llama})", check)


@pytest.mark.text
def test_vectors_alone_are_not_read(llama):
    context = default_context()
    bare = replace(context, texts=lambda: replace(default_context().texts(), words=None))
    with pytest.raises(UserError, match="reads texts, and here are vectors alone"):
        TrainingHarness(recipe(f"hnlmrec({QUICK},model={llama})").build(), bare)


@pytest.mark.text
@pytest.mark.parametrize("which", ["llama", "minilm"])
def test_a_round_moves_the_low_rank_weights_and_nothing_that_is_frozen(which, llama):
    word = llama if which == "llama" else minilm()
    trainer = TrainingHarness(recipe(f"hnlmrec({QUICK},warmup=0,model={word})").build())
    own = profiles(trainer)
    model, weights = own.reader.model.model, own.reader.model.weights
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trainer.refresh(1)
    assert len(weights) > 0
    for name, now in model.named_parameters():
        assert torch.equal(before[name], now) == (name not in weights), name
    users, items = torch.tensor([0, 6]), torch.tensor([0, 11])
    t_u, t_i = own.look_up(users, items)
    torch.testing.assert_close(t_u.norm(dim=1), torch.ones(2))
    assert not t_i[1].any(), "item 11 has no words"
    assert not t_u.requires_grad and own.look_up(users, items)[0].data_ptr() != t_u.data_ptr()
    live = own.encode(users, items, stream(0, "drop"))[0]
    assert live.requires_grad and not torch.allclose(live, t_u)


@pytest.mark.text
def test_inference_reads_what_training_reads_without_dropout(llama):
    trainer = TrainingHarness(
        recipe(f"hnlmrec({QUICK},warmup=0,lora_dropout=0,model={llama})").build()
    )
    trainer.refresh(1)
    own, every = profiles(trainer), torch.arange(7)
    rest, live = own.look_up(every, every), own.encode(every, every, stream(0, "drop"))
    torch.testing.assert_close(rest, live, atol=1e-5, rtol=1e-4)


@pytest.mark.text
def test_a_round_takes_so_many_pairs_and_no_more(llama):
    few = QUICK.replace("pairs=24", "pairs=5")
    trainer = TrainingHarness(recipe(f"hnlmrec({few},warmup=0,model={llama})").build())
    own, seen = profiles(trainer), []
    encode = own.encode
    own.encode = lambda users, items, generator: (
        seen.append(len(users)),
        encode(users, items, generator),
    )[1]
    trainer.refresh(1)
    assert seen == [5]


@pytest.mark.text
def test_a_fit_that_was_stopped_goes_on_bit_for_bit_and_so_does_another(llama):
    scenario, settings = worded(), f"hnlmrec({QUICK},warmup=1,model={llama})"
    whole, kept = fit_on(scenario, settings, epochs=5), []

    def save():
        file = io.BytesIO()
        torch.save(whole.state_dict(), file)
        kept.append(file.getvalue())

    whole.run(save=save)
    again, other = (fit_on(scenario, settings, epochs=5) for _ in range(2))
    again.load_state_dict(torch.load(io.BytesIO(kept[2]), weights_only=True))
    again.run()
    other.run()
    for one in (again, other):
        assert [r["loss"] for r in one.progress.rows] == [r["loss"] for r in whole.progress.rows]
        assert torch.equal(one.backbone.table, whole.backbone.table)
    low_rank = sum(w.numel() for w in profiles(whole).weights)
    saved = whole.method.stages[0].state_dict()["profiles"]
    assert sum(value.numel() for value in saved.values()) == low_rank


@pytest.mark.text
@pytest.mark.parametrize("which", ["llama", "minilm"])
def test_from_the_command_line(which, llama, tmp_path):
    word = llama if which == "llama" else minilm()
    method = f"hnlmrec({QUICK},warmup=1,model={word})"
    words = ["run", "-d", DATA, "-b", "mf(dim=8)", "-m", method, "--epochs", "2"]
    done = CliRunner().invoke(main, [*words, "--seeds", "1", "-o", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    cell = trained_cell(tmp_path / "run")
    assert cell.record["status"] == "done" and "model=folder-" in cell.record["spec"]["variant"]
    assert word not in str(cell.record["spec"])
    assert "loss_sft" in cell.epochs()[-1]
