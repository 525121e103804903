"""Repeated interactions, kept: histories, popularity, look-ups, draws and means over events."""

from collections import Counter

import numpy as np
import pytest
import torch

import negbench
from negbench.backbones._graph_propagation import neighbours
from negbench.data.interactions import Csr
from negbench.data.load import load
from negbench.data.membership import Membership
from negbench.errors import UserError
from negbench.evaluation.full_ranking import evaluate, metric_at
from negbench.evaluation.metric_names import parse_metric, parse_metrics
from negbench.parts.sampling.proposals import UniformProposal, WeightedProposal, sample_outside
from negbench.parts.sampling.shared_pool import Pool
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.scenario import prepare
from negbench.storage import cell_store
from negbench.testing.toy_data import toy_context

SETS = [[0, 1, 0, 0], [2, 0, 2], [3, 3], [1, 0, 1, 4, 4, 4]]
"""The items of each user, with repeats."""
N_ITEMS = 7


def csr(rows=SETS, n_items=N_ITEMS):
    users = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return Csr.of(users, np.concatenate(rows), n_rows=len(rows), n_columns=n_items)


@pytest.fixture
def log(tmp_path):
    """120 events of 12 users in one order of time; user 0 comes back to item 0 at the end."""
    generator = np.random.default_rng(0)
    events = [(int(u), int(i)) for u, i in generator.integers(0, (12, 8), (120, 2))]
    lines = [f"{u},{i},{t}" for t, (u, i) in enumerate([(0, 0), *events, (0, 0), (0, 0)])]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["user,item,time", *lines, ""]))
    return path


def test_a_csr_with_repeats_counts_users_and_keeps_the_order():
    pairs = csr()
    assert [pairs.row(u).tolist() for u in range(4)] == SETS and pairs.repeated
    assert pairs.counts.tolist() == [3, 2, 1, 1, 1, 0, 0]  # users
    assert pairs.occurrences.tolist() == [5, 3, 2, 2, 3, 0, 0]
    once = pairs.distinct
    assert [once.row(u).tolist() for u in range(4)] == [[0, 1], [2, 0], [3], [1, 0, 4]]
    assert once.distinct is once and not once.repeated
    assert pairs.matrix().sum(0).tolist()[0] == pairs.counts.tolist()
    assert all(map(np.array_equal, neighbours(pairs), neighbours(once)))
    empty = csr([[], []])
    assert empty.distinct is empty and not empty.repeated


@pytest.mark.parametrize("limit", [1 << 20, 0])
def test_membership_takes_a_pair_once(limit):
    members = Membership.of(csr(), limit=limit)
    assert members.sizes.tolist() == [2, 2, 1, 3]
    users, ids = torch.arange(4), torch.arange(N_ITEMS).expand(4, -1)
    wanted = [[i in row for i in range(N_ITEMS)] for row in SETS]
    assert members.contains(users, ids).tolist() == wanted
    assert members.contains_shared(users, ids[0]).tolist() == wanted


@pytest.mark.parametrize("law", ["uniform", "popularity"])
def test_draws_have_the_law_of_a_loop_over_sets(law):
    train, members, n = csr(), Membership.of(csr()), 40_000
    weight = [1.0] * N_ITEMS
    if law == "popularity":
        weight = [float(len({u for u, row in enumerate(SETS) if i in row})) for i in range(N_ITEMS)]
        proposal = WeightedProposal.of(torch.tensor(train.counts, dtype=torch.float32))
    else:
        proposal = UniformProposal(N_ITEMS, torch.device("cpu"))
        logq = [-np.log(N_ITEMS - len(set(row))) for row in SETS]
        np.testing.assert_allclose(proposal.logq(members), logq, rtol=1e-6)
    generator = torch.Generator().manual_seed(1)
    ids, mask = sample_outside(proposal, members, torch.arange(4), n, generator)
    assert mask is None
    for user, row in enumerate(SETS):
        left = [0.0 if i in row else weight[i] for i in range(N_ITEMS)]
        expected = np.array(left) / sum(left) * n
        seen = np.bincount(ids[user].numpy(), minlength=N_ITEMS)
        assert not seen[expected == 0].any()
        here = expected > 0
        chi = ((seen[here] - expected[here]) ** 2 / expected[here]).sum()
        assert chi < 25, (law, user, chi)  # 6 degrees of freedom at most: p < .001


def test_an_in_batch_pool_is_as_popular_as_its_events():
    context = toy_context(SETS, N_ITEMS)
    pool = Pool(4)
    pool.begin(context)
    events = Counter(item for row in SETS for item in row)
    wanted = [events[i] / sum(events.values()) for i in range(N_ITEMS)]
    np.testing.assert_allclose(pool.popularity, wanted)


class Fixed:
    """Scores of a table."""

    def __init__(self, table):
        self.table = table

    def scores(self, users):
        return self.table[users].clone()


@pytest.mark.parametrize("block", [1, None])
def test_each_event_counts_and_a_seen_item_has_a_real_rank(block):
    target, scores = csr(), torch.randn(4, N_ITEMS, generator=torch.Generator().manual_seed(3))
    nothing, metrics = csr([[]] * 4), parse_metrics("hit,ndcg@3")
    bands = Bands.of(target.counts, "mass")
    result = evaluate(
        Fixed(scores), target, nothing, bands=bands, metrics=metrics, average="events", block=block
    )
    rank = {(u, i): 1 + int((scores[u] > scores[u, i]).sum()) for u in range(4) for i in range(7)}
    events = [(u, i) for u, row in enumerate(SETS) for i in row]
    assert result.ranks.tolist() == [rank[event] for event in events]
    gains = {
        "hit": [float(rank[e] <= 3) for e in events],
        "ndcg": [(rank[e] <= 3) / np.log2(rank[e] + 1) for e in events],
    }
    for name, gain in gains.items():
        early = metric_at(
            Fixed(scores), target, nothing, parse_metric(f"{name}@3"), average="events", block=block
        )
        assert early == pytest.approx(np.mean(gain), abs=1e-7)
        assert result.means()[name, 3, "all"] == pytest.approx(np.mean(gain), abs=1e-6)


def test_reading_keeps_every_row_in_order(log):
    kept, dropped = load(str(log), repeated="keep"), load(str(log))
    assert len(kept) == 123 and len(dropped) < 100
    rows = [tuple(map(int, line.split(",")[:2])) for line in log.read_text().split()[1:]]
    ids = zip(kept.user_ids[kept.users], kept.item_ids[kept.items], strict=True)
    assert [(int(u), int(i)) for u, i in ids] == rows
    assert any("are a (user, item) pair once more and are kept" in note for note in kept.notes)
    assert any("repeated (user, item) rows dropped" in note for note in dropped.notes)
    assert len(load(str(log))) == len(dropped)  # the word holds for one reading
    log.write_text("user,item\n1,2\n2,1\n")
    assert "changes nothing" in load(str(log), repeated="keep").notes[-1]


def test_a_scenario_ranks_what_is_also_in_train(log):
    both = {"rule": "temporal(0.8,0.9)", "repeats": "keep"}
    here, masked = prepare(str(log), mask="none", **both), prepare(str(log), **both)
    parts, user = here.split, int(np.flatnonzero(here.interactions.user_ids == "0")[0])
    assert parts.train.row(user)[0] == parts.test.row(user)[-1] == parts.test.row(user)[-2]
    assert not len(here.masked("test")) and not here.excluded.repeated
    assert here.excluded.counts.tolist() == parts.train.counts.tolist()
    assert sum(parts.train.lengths) + len(parts.valid) + len(parts.test) == 123
    assert any("no item is masked in the ranking, so these can be hit" in n for n in here.notes)
    assert any("masked in the ranking, so these count as missed" in n for n in masked.notes)


def test_a_run_keeps_the_word_in_its_record(log, tmp_path):
    usual = {"datasets": str(log), "methods": "random", "seeds": 1, "epochs": 1, "probe": "sample"}
    usual |= {"split": "temporal(0.8,0.9)", "progress": False}
    run = {"average": "events", "mask": "none", "references": "item_knn", **usual}
    negbench.run(out=tmp_path / "keep", repeats="keep", **run)
    negbench.run(out=tmp_path / "drop", **run)
    specs = {n: cell_store.read_cells(tmp_path / n)[0] for n in ("keep", "drop")}
    assert {each.spec["repeats"] for each in specs["keep"]} == {"keep"}
    assert all("repeats" not in each.spec for each in specs["drop"])
    with pytest.raises(UserError, match="--repeats keep .*; add --average events"):
        negbench.run(out=tmp_path / "users", repeats="keep", **usual)
    with pytest.raises(UserError, match="--plant hides train pairs, and with --repeats keep"):
        negbench.run(out=tmp_path / "plant", repeats="keep", plant=0.1, **run)
    with pytest.raises(UserError, match="--repeats must be one of drop, keep; got 'some'"):
        negbench.run(out=tmp_path / "some", repeats="some", **run)
