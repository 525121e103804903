"""What a user's own loop gives in the wrong kind: one sentence, and never a wrong number."""

import numpy as np
import pandas as pd
import pytest
import torch

import negbench
from negbench.errors import UserError

USERS, ITEMS = np.repeat(np.arange(12), 4), np.arange(48) * 7 % 30
B = torch.arange(5)
POSITIVES = torch.from_numpy(ITEMS[::4][:5])
QUERY, VECTORS = torch.ones(5, 4), torch.ones(30, 4)
MAKERS = {"sampler": negbench.sampler, "attach": negbench.attach}


def sampler(method="random", **settings):
    return negbench.sampler(method, USERS, ITEMS, n_items=30, **settings)


def attach(method="random", **settings):
    return negbench.attach(method, USERS, ITEMS, n_items=30, **settings)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"device": "gpu"}, "`device` must be one that torch has here, as cpu or cuda; got 'gpu'"),
        ({"device": "cuda:99"}, "`device` must be one that torch has here"),
        ({"n_users": 0}, "`n_users` must be a whole number, at least 1; got 0"),
        ({"n_items": 30.0}, "`n_items` must be a whole number, at least 1; got 30.0"),
        ({"n_items": 2**31}, "`n_items` must be at most 2,147,483,647"),
        ({"users": [], "items": []}, "of one train pair at least"),
        ({"users": [[0], [1, 2]]}, "`users` must be one list of ids"),
        ({"items": ITEMS + 2**32}, "`items` must be below 2,147,483,647; .*; number them"),
        (
            {"users": np.full(48, 2**63 + 5, np.uint64)},
            "`users` must be below 2,147,483,647; got 9223372036854775813",
        ),
    ],
)
def test_pairs_and_places_of_another_kind_are_refused(make, given, sentence):
    with pytest.raises(UserError, match=sentence):
        make("random", **{"users": USERS, "items": ITEMS, **given})


@pytest.mark.parametrize("kind", [torch.as_tensor, list, pd.Series, np.int32])
def test_pairs_come_as_any_list_of_numbers(kind):
    draw = negbench.sampler("random", kind(USERS), kind(ITEMS), n_users=np.int64(12))
    assert torch.equal(draw(B).ids, sampler()(B).ids)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"users": B.numpy()}, "`users` must be a tensor; got a ndarray; wrap it by torch.as_ten"),
        ({"users": [1, 2]}, r"`users` must be a tensor; got \[1, 2\]"),
        ({"positives": POSITIVES.numpy()}, "`positives` must be a tensor; got a ndarray"),
        ({"score": lambda u, i: np.zeros(i.shape)}, r"`score.users, ids.` must be a tensor; got a"),
        ({"score": lambda u, i: None}, "must be a tensor; got None"),
        (
            {"score": lambda u, i: torch.full(i.shape, torch.nan)},
            "`score` must return numbers; got nan for user 0 and item",
        ),
        ({"score": 3}, "`score` must be a function of users and ids; got 3"),
        ({"n": 2.0}, "`n` must be a whole number, at least 1; got 2.0"),
        ({"n": "2"}, "`n` must be a whole number, at least 1; got '2'"),
    ],
)
def test_a_draw_of_another_kind_is_refused(given, sentence):
    def zeros(users, ids):
        return torch.zeros(ids.shape)

    with pytest.raises((ValueError, UserError), match=sentence):
        sampler("dns")(**{"users": B, "positives": POSITIVES, "score": zeros, **given})


def test_minus_infinity_is_a_score():
    """A candidate mask of the user's own: NaN would be the highest, -inf is the lowest."""

    def own(users, ids):
        return torch.where(ids % 2 == 0, -torch.inf, 0.0)

    assert (sampler("dns(candidates=20)")(B, score=own).ids % 2 == 1).all()


def test_a_state_of_something_else_is_refused():
    with pytest.raises(UserError, match="a state must be one that.*lacks generator, epoch, number"):
        sampler().load_state_dict(attach().state_dict())
    with pytest.raises(ValueError, match="counted from 1"):
        sampler().begin_epoch("1")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"query": QUERY.numpy()}, "`query` must be a tensor; got a ndarray"),
        ({"items": VECTORS.numpy()}, "`items` must be a tensor; got a ndarray"),
        ({"users": B.numpy()}, "`users` must be a tensor"),
        ({"positives": POSITIVES.tolist()}, "`positives` must be a tensor"),
        ({"mask": np.ones(5, bool)}, "`mask` must be a tensor"),
        ({"query": QUERY[0], "users": B[0], "positives": B[0]}, r"`query` must be \[B, D\]"),
        ({"items": lambda ids: np.ones((len(ids), 4))}, "must return a tensor.*; got a ndarray"),
    ],
)
@pytest.mark.parametrize("graded", [True, False])
def test_a_step_of_another_kind_is_refused(given, sentence, graded):
    step = {"query": QUERY, "items": VECTORS, "users": B, "positives": POSITIVES}
    with pytest.raises(ValueError, match=sentence), torch.set_grad_enabled(graded):
        attach()(**step | given)


@pytest.mark.parametrize(
    ("items", "users", "sentence"),
    [
        (VECTORS[:9], None, r"`items` must hold a vector of each, \[30, D\]; got \[9, 4\]"),
        (VECTORS, QUERY, r"`users` must hold a vector of each, \[12, D\]; got \[5, 4\]"),
        (VECTORS.numpy(), None, "`items` must be a tensor"),
    ],
)
def test_the_tables_of_an_epoch_are_those_of_all(items, users, sentence):
    """A method would make its pools and tables of other rows."""
    with pytest.raises(ValueError, match=sentence):
        attach().epoch(items, users)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"epoch_rows": 2.5}, "`epoch_rows` must be a whole number, at least 1; got 2.5"),
        ({"dim": "8"}, "`dim` must be a whole number, at least 0; got '8'"),
        ({"ignore_index": "x"}, "`ignore_index` must be a whole number; got 'x'"),
        ({"temperature": "1"}, "`temperature` must be a number; got '1'"),
    ],
)
def test_settings_of_another_kind_are_refused(given, sentence):
    with pytest.raises(UserError, match=sentence):
        attach(**given)
