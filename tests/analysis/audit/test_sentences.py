"""What the page says of systems whose truth is known: a loser, none, nothing beats a count."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.audience_on_paper import audience

from negbench.analysis.audit.findings import findings
from negbench.analysis.audit.inputs import Block, System
from negbench.analysis.audit.page import block_page
from negbench.analysis.audit.sentences import all_of, loser, pushed, warning
from negbench.analysis.audit.shown import most_popular_lists
from negbench.analysis.audit.user_groups import TASTE
from negbench.analysis.audit.words import fine, times

N, ITEMS = 200, 40


@pytest.fixture(scope="module")
def people():
    """Users whose histories go from rare items alone to popular ones alone."""
    rng = np.random.default_rng(0)
    train, test = [], []
    for user in range(N):
        popular = rng.random(6) < user / N
        own = np.where(popular, rng.integers(0, 6, 6), rng.integers(6, ITEMS, 6))
        own = np.unique(own)
        train.append(own)
        test.append(rng.choice(np.setdiff1d(np.arange(ITEMS), own), 2, replace=False))
    return audience(train, test, ITEMS, metric=("recall", 5), bands="items:0.2,0.8")


def block(people, accuracy, name="ours", kind="method", seeds=3):
    tops = np.stack([most_popular_lists(people)] * seeds)
    system = System(name, kind, tops, accuracy)
    return Block("data", "mf", people, (system,), ())


def taste(people):
    from negbench.analysis.audit.user_groups import user_groups

    return {group.name: group.inside for group in user_groups(people) if group.by == TASTE}


def noisy(people, base, seed=0):
    return np.clip(base + np.random.default_rng(seed).normal(0, 0.05, (3, N)), 0, 1)


def test_a_group_that_is_served_worse_is_named_and_none_where_all_are_served_alike(people):
    base = np.where(taste(people)["niche"], 0.1, 0.5)
    numbers = findings(block(people, noisy(people, base)))
    text = loser(numbers, numbers.details[0], TASTE)
    assert "niche users" in text and "served worst by ours" in text and "95 %" in text
    fair = findings(block(people, noisy(people, np.full(N, 0.5))))
    assert "no group is clearly served worse" in loser(fair, fair.details[0], TASTE)


def test_a_loser_that_differs_from_seed_to_seed_is_not_named(people):
    niche = taste(people)["niche"]
    shift = np.array([[-0.3], [0.02], [-0.25]])  # the mean is below, the seeds do not agree
    values = noisy(people, np.full(N, 0.5)) + np.where(niche, shift, 0.0)
    numbers = findings(block(people, values))
    assert "no group is clearly served worse" in loser(numbers, numbers.details[0], TASTE)


def test_the_warning_stands_where_nothing_beats_the_most_popular(people):
    bad = findings(block(people, np.zeros((3, N))))
    assert warning(bad).startswith("WARNING") and "ours" in warning(bad)
    good = findings(block(people, noisy(people, np.full(N, 0.9))))
    assert warning(good) == ""
    assert block_page(block(people, np.zeros((3, N)))).warning


def test_a_reference_that_beats_them_is_named_beside_methods_that_do_not(people):
    bad, good = block(people, np.zeros((3, N))), noisy(people, np.full(N, 0.9))
    ease = System("ease", "reference", bad.systems[0].tops[:1], good[:1])
    both = findings(Block("data", "mf", people, (*bad.systems, ease), ()))
    assert "no method here (but ease)" in warning(both) and "nearest is ours" in warning(both)


def test_lists_of_the_most_popular_items_are_as_the_anchor(people):
    numbers = findings(block(people, noisy(people, np.full(N, 0.5))))
    view, popular = numbers.overviews[0], numbers.anchors[1]
    assert view.lift.value == pytest.approx(popular.lift.value)
    assert view.shares == pytest.approx(popular.shares)


def test_one_training_covers_users_alone_and_says_so(people):
    numbers = findings(block(people, noisy(people, np.full(N, 0.5))[:1], seeds=1))
    texts = all_of(numbers, numbers.details[0])
    assert any("over users alone" in text for text in texts)
    assert not any("seeds" in text for text in texts)


def test_without_test_items_accuracy_is_said_to_be_unknown(people):
    numbers = findings(block(people, np.full((1, N), np.nan), seeds=1))
    text = " ".join(all_of(numbers, numbers.details[0]))
    assert "Accuracy of ours is unknown" in text and "served worst" not in text
    assert warning(numbers) == ""


def test_intervals_that_lie_apart_are_not_said_to_overlap(people):
    """Lists of the rarest items push nobody, though one group lies clearly above the others."""
    rare = np.argsort(people.train.counts, kind="stable")[:5]
    system = System("ours", "method", np.tile(rare, (3, N, 1)), np.full((3, N), 0.5))
    numbers = findings(Block("data", "mf", people, (system,), ()))
    lifts = sorted(
        (g.lift for g in numbers.details[0].users if g.by == TASTE), key=lambda x: -x.low
    )
    assert lifts[0].low > lifts[1].high and lifts[0].high < 1
    text = pushed(numbers, numbers.details[0])
    assert text.endswith(", over users and 3 seeds.") and "pushed" not in text
    popular = block(people, np.full((3, N), 0.5))
    numbers = findings(popular)
    assert "those of niche users are pushed most" in pushed(numbers, numbers.details[0])


def test_nothing_is_said_to_be_later_where_test_pairs_were_drawn(people):
    tops = np.column_stack(
        [np.stack([people.test.row(user) for user in range(N)]), most_popular_lists(people)[:, :3]]
    )
    system = System("ours", "method", tops[None], np.full((1, N), 0.5))

    def words(in_order):
        audience = replace(people, in_order=in_order)
        page = block_page(Block("data", "mf", audience, (system,), ()))
        return " ".join(map(str, page.parts))

    assert "(chosen later)" in words(True) and "later choices" in words(True)
    assert "later" not in words(False) and "before (the last" not in words(False)
    assert "(chosen too, held out)" in words(False) and "held-out choices" in words(False)


def test_caveats_stand_in_every_sentence_on_accuracy(people):
    base = block(people, noisy(people, np.full(N, 0.5)))
    system = base.systems[0]
    marked = System(system.name, "method", system.tops, system.accuracy, ("not tuned",))
    numbers = findings(Block("data", "mf", people, (marked,), ()))
    for text in all_of(numbers, numbers.details[0]):
        assert "recall" not in text.lower() or "(not tuned)" in text


def test_the_ten_items_are_those_of_a_naive_count(people):
    (page,) = [findings(block(people, np.full((3, N), 0.5)))]
    tops = most_popular_lists(people)
    shown = np.bincount(tops[tops >= 0], minlength=ITEMS) / (tops >= 0).sum()
    chosen = people.train.occurrences / len(people.train)
    change = shown - chosen
    over = page.details[0].over
    assert [line.title for line in over] == [
        f"i{item}" for item in np.argsort(-change, kind="stable")[:10] if change[item] > 0
    ]
    assert all(line.change < 0 for line in page.details[0].under)


def test_no_share_and_no_ratio_above_none_reads_as_none():
    assert [fine(share) for share in (0.0044, 0.00001, 0.0)] == ["0.44 %", "0.0010 %", "0.00 %"]
    assert [times(ratio) for ratio in (1.224, 0.0041, 0.0)] == ["1.22", "0.0041", "0.00"]
