"""The mixture, its gradients, the training of G, data that it never reads, and refusals."""

import copy
from dataclasses import replace

import pytest
import torch
from helpers.probe_scenarios import fit_on, small_scenario

import negbench
from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.experiment.cell.spec import CellSpec, unfit
from negbench.methods.hnlmrec import method
from negbench.ops import rng
from negbench.parts.selection.nearest_item import nearest_by_cosine
from negbench.protocol.step import Negatives
from negbench.protocol.view import Similarity
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness, batch_of, default_context

QUICK = "warmup=0,ramp=1,first=2,hidden=16,candidates=32"


def harness(settings="", context=None) -> TrainingHarness:
    trainer = TrainingHarness(
        recipe(f"hnlmrec({QUICK}{settings})").build(), context or default_context()
    )
    trainer.refresh(1)
    return trainer


def stage(trainer) -> method.Generate:
    (part,) = trainer.method.stages
    assert isinstance(part, method.Generate)
    return part


def worded(texts=None, **size):
    scenario = small_scenario(**size)
    n = scenario.interactions.n_items
    texts = texts or tuple(
        f"{'red' if i < n // 2 else 'blue'} thing number {i % 7}" for i in range(n)
    )
    return replace(scenario, interactions=replace(scenario.interactions, item_texts=texts))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "settings", ["", "generator_grad=rank", "produce=retrieved", "generator_grad=adversarial"]
)
def test_conforms(check, settings):
    conforms(f"hnlmrec({QUICK},{settings})" if settings else "hnlmrec", check)


@pytest.mark.parametrize(
    "settings", ["signals=semantic", "signals=cf", "texts=random", "loss=hinge"]
)
def test_ablations_and_controls_conform(settings):
    conforms(f"hnlmrec({QUICK},{settings})")


def test_a_share_of_0_is_random_bit_for_bit():
    scenario = worded()
    plain = fit_on(scenario, "random", epochs=4)
    none = fit_on(scenario, f"hnlmrec({QUICK},alpha=0,contrastive=0)", epochs=4)
    assert [row["loss"] for row in plain.run().rows] == [row["loss"] for row in none.run().rows]
    assert torch.equal(plain.backbone.table, none.backbone.table)


def test_the_mixture_and_its_gradient():
    for alpha in (0.3, 1.0):
        trainer = harness(f",alpha={alpha},contrastive=0")
        outcome = trainer.forward()
        step, used = outcome.step, outcome.used
        g = stage(trainer).generated(step)
        rows = step.view.items[outcome.drawn.ids]
        torch.testing.assert_close(used.vectors, alpha * g.unsqueeze(1) + (1 - alpha) * rows)
        torch.autograd.backward(outcome.loss)
        (_, leaf), *_ = step.view.leaves.rows
        slope = torch.sigmoid(outcome.s_neg[:, 0] - outcome.s_pos) / len(rows)
        if used.mask is not None:
            slope = slope * used.mask[:, 0]
        expected = (1 - alpha) * (slope.unsqueeze(1) * step.view.query).unsqueeze(1)
        torch.testing.assert_close(leaf.grad, expected.detach())


@pytest.mark.parametrize("grad", ["detached", "rank", "adversarial"])
def test_the_ranking_loss_reaches_the_generator_only_if_asked(grad):
    trainer = harness(f",generator_grad={grad}")
    net = stage(trainer).generator.net
    net.zero_grad()
    torch.autograd.backward(trainer.forward().loss)
    reached = [p.grad is not None and bool(p.grad.any()) for p in net.parameters()]
    assert all(reached) if grad != "detached" else not any(reached)
    assert len(trainer.minimised) == (len(reached) if grad == "rank" else 0)
    assert len(trainer.maximised) == (len(reached) if grad == "adversarial" else 0)


def scored_after(grad, steps=30):
    """Mean e_u.g before and after steps on the ranking loss, the backbone held still."""
    trainer = harness(f",alpha=1,generator_grad={grad}")

    def score():
        step = trainer.step()
        return float((step.view.query * stage(trainer).generated(step)).detach().sum(1).mean())

    before = score()
    for number in range(2, steps):
        trainer.train(number)
    return score() - before


def test_a_generator_that_learns_from_the_ranking_loss_makes_easy_negatives():
    assert scored_after("rank") < -0.1
    assert scored_after("detached") == 0
    assert scored_after("adversarial") > 0.1


def test_rounds_come_after_the_warm_up_and_then_every_so_often():
    trainer = TrainingHarness(recipe("hnlmrec(warmup=2,every=3,first=4,ramp=2,alpha=0.4)").build())
    part, seen = stage(trainer), []
    part.generator.train = lambda items, users, rounds: seen.append(rounds)
    for number in range(1, 10):
        trainer.refresh(number)
        seen.append(f"epoch {number}")
    taught = [n for n in range(1, 10) if isinstance(seen[seen.index(f"epoch {n}") - 1], int)]
    assert taught == [3, 6, 9] and [x for x in seen if isinstance(x, int)] == [4, 1, 1]
    shares = [part.share(n) for n in range(1, 7)]
    assert shares == pytest.approx([0, 0, 0.2, 0.4, 0.4, 0.4])


def test_in_the_warm_up_negatives_are_left_alone():
    trainer = TrainingHarness(recipe("hnlmrec").build())
    trainer.refresh(1)
    outcome = trainer.forward()
    assert outcome.used is outcome.drawn and not outcome.losses


def test_an_epoch_logs_what_was_generated():
    rows = fit_on(worded(n=900), "hnlmrec(warmup=2,hidden=16,first=1)", epochs=4).run().rows
    names = {"fhns_sem", "fhns_sem_drawn", "decoded_cosine", "decoded_top5", "generated_cosine"}
    assert not names & rows[1].keys() and names | {"loss_sft"} <= rows[2].keys()
    assert names <= rows[3].keys() and "loss_sft" not in rows[3]
    assert 0 <= rows[3]["fhns_sem"] <= 1


def test_a_fit_that_was_stopped_goes_on_bit_for_bit():
    scenario, settings = worded(), "hnlmrec(warmup=1,first=1,every=2,hidden=16,ramp=3)"
    whole, kept = fit_on(scenario, settings, epochs=6), []
    whole.run(save=lambda: kept.append(copy.deepcopy(whole.state_dict())))
    again = fit_on(scenario, settings, epochs=6)
    again.load_state_dict(kept[2])
    again.run()
    assert [r["loss"] for r in again.progress.rows] == [r["loss"] for r in whole.progress.rows]
    assert torch.equal(again.backbone.table, whole.backbone.table)


def test_vectors_are_mixed_as_they_are_scored_where_that_is_a_cosine():
    trainer = TrainingHarness(recipe(f"hnlmrec({QUICK},alpha=0.4,contrastive=0)").build())
    trainer.tables.kind = Similarity("cosine", 0.2)
    trainer.refresh(1)
    outcome = trainer.forward()
    step, g = outcome.step, stage(trainer).generated(outcome.step)
    unit = torch.nn.functional.normalize(step.view.items[outcome.drawn.ids], dim=-1)
    torch.testing.assert_close(outcome.used.vectors, 0.4 * g.unsqueeze(1) + 0.6 * unit)
    assert 0.1 < float(g.norm(dim=1).mean()) < 10, "of about the items' length"


def test_what_is_held_out_is_never_read():
    scenario = worded()
    test = scenario.split.test
    moved = Csr.of(test.rows, (test.indices + 3) % 30, n_rows=40, n_columns=30)
    other = replace(scenario, split=replace(scenario.split, test=moved))
    losses = [
        [row["loss"] for row in fit_on(each, f"hnlmrec({QUICK})", epochs=3).run().rows]
        for each in (scenario, other)
    ]
    assert losses[0] == losses[1]


def test_what_a_vector_stands_for_was_never_the_users():
    trainer = harness()
    step = trainer.step()
    g = torch.randn(len(step.batch), 8, generator=rng.stream(0, "g"))
    rows = torch.arange(len(g))
    ids, cosine, share = nearest_by_cosine(step, g, rows)
    near = torch.cosine_similarity(g.unsqueeze(1), step.view.items.unsqueeze(0), 2)
    for row, user in enumerate(step.batch.users.tolist()):
        left = [j for j in range(12) if j not in set(trainer.context.train.row(user).tolist())]
        assert int(ids[row]) == max(left, key=lambda j: float(near[row, j]))
    assert bool((cosine <= 1 + 1e-5).all()) and bool((share <= 1 + 1e-5).all())


def test_retrieved_takes_the_vector_of_the_item_in_its_place():
    trainer = harness(",produce=retrieved,alpha=1,contrastive=0")
    outcome = trainer.forward()
    step = outcome.step
    rows = torch.arange(len(step.batch))
    ids = nearest_by_cosine(step, stage(trainer).generated(step), rows)[0]
    assert torch.equal(outcome.used.vectors[:, 0], step.view.items[ids])


def test_the_contrastive_term_by_hand():
    trainer = harness(",alpha=0,contrastive=0.5")
    outcome = trainer.forward()
    assert outcome.used.vectors is None
    view, g = outcome.step.view, stage(trainer).generated(outcome.step)
    near = torch.cosine_similarity(view.query, view.positive).div(0.2).exp()
    far = torch.cosine_similarity(view.query, g).div(0.2).exp()
    expected = 0.5 * -(near / (near + far)).log().mean()
    torch.testing.assert_close(outcome.losses["contrastive"], expected)


def test_other_sources_give_the_rest_of_the_mixture():
    fit = fit_on(worded(), f"popularity(negatives=3)+hnlmrec({QUICK})")
    fit.refresh(1)
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    assert fit.step(batch, 1, 1).used.vectors.shape == (len(batch), 3, 8)
    trainer = harness()
    step = trainer.step()
    shared = stage(trainer).apply(step, Negatives(torch.tensor([6, 7]), shared=True))
    assert shared.vectors.shape == (len(batch_of(trainer.context)), 2, 8) and not shared.shared


def test_words_must_be_there():
    bare = small_scenario()
    why = unfit(CellSpec("small", "mf", "hnlmrec"), bare)
    assert why is not None and "needs texts" in why and "small" in why
    assert unfit(CellSpec("small", "mf", "hnlmrec"), worded()) is None
    assert unfit(CellSpec("small", "mf", "hnlmrec", encoder="/x/t.npy"), bare) is None
    with pytest.raises(UserError, match="needs texts and users"):
        negbench.attach("hnlmrec", [0, 0, 1], [0, 1, 2], dim=4)


def test_the_encoder_is_part_of_what_reads_words_alone(tmp_path):
    import numpy as np

    np.save(tmp_path / "t.npy", np.eye(30))
    table = str(tmp_path / "t.npy")
    scenario = worded()
    plain, other = (
        CellSpec("s", "mf", "hnlmrec", encoder=e).resolve(scenario) for e in ("tfidf", table)
    )
    assert plain["variant"] == "" and other["variant"].startswith("encoder=npy-")
    assert plain["texts"] != other["texts"] and str(tmp_path) not in str(other)
    renamed = worded(texts=("same",) * 30)
    assert CellSpec("s", "mf", "hnlmrec").resolve(renamed)["texts"] != plain["texts"]
    dns = [CellSpec("s", "mf", "dns", encoder=e).resolve(scenario) for e in ("tfidf", table)]
    assert dns[0] == dns[1] and "texts" not in dns[0]


@pytest.mark.parametrize(
    "wrong", ["alpha=1.5", "warmup=-1", "hidden=6", "lr=0", "sem=-1", "signals=none", "texts=own2"]
)
def test_what_has_no_meaning_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"hnlmrec({wrong})")
