"""An epoch's batches: every pair once, and histories against a loop over users."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from negbench.data.interactions import Csr
from negbench.ops.rng import stream
from negbench.training import batches
from negbench.training.batches import Pairs, Sequences, tails

histories = st.lists(st.lists(st.integers(0, 6), max_size=7), min_size=1, max_size=6)


def csr_of(rows, n_items=7):
    users = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return Csr.of(
        users, [item for row in rows for item in row], n_rows=len(rows), n_columns=n_items
    )


@given(histories, st.integers(1, 4))
def test_pairs_come_once_an_epoch(rows, size):
    train = csr_of(rows)
    feed = Pairs(train, size)
    seen_batches = list(feed.epoch(stream(0, "batches")))
    assert len(seen_batches) == len(feed) == -(-len(train) // size)
    seen = [
        pair for b in seen_batches for pair in zip(b.users.tolist(), b.items.tolist(), strict=True)
    ]
    assert sorted(seen) == sorted((u, i) for u, row in enumerate(rows) for i in row)


@given(histories, st.integers(1, 4), st.integers(1, 9))
def test_a_batch_knows_its_chunk(rows, size, chunk_rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "CHUNK_ROWS", chunk_rows)
        seen_batches = list(Pairs(csr_of(rows), size).epoch(stream(0, "batches")))
    chunks = {id(b.chunk): b.chunk for b in seen_batches}.values()
    assert all(size <= max(size, len(c.users)) <= max(size, chunk_rows) for c in chunks)
    users = [c.users.tolist() for c in chunks]
    assert sum(users, []) == sum([b.users.tolist() for b in seen_batches], [])
    for b in seen_batches:
        assert torch.equal(b.chunk.users[b.start : b.start + len(b)], b.users)


@given(histories, st.integers(1, 8))
def test_tails_equal_the_loop(rows, length):
    expected = [row[-length:] + [7] * (length - len(row[-length:])) for row in rows]
    assert tails(csr_of(rows), length).tolist() == expected


@given(histories, st.integers(1, 3), st.integers(1, 8))
def test_sequences_equal_the_loop(rows, size, length):
    """Each row reads the items up to its cell and is asked for the one after it."""
    feed = Sequences(csr_of(rows), size, length)
    seen_batches = list(feed.epoch(stream(0, "batches")))
    assert len(seen_batches) == len(feed)
    actual, expected = [], []
    for batch in seen_batches:
        width = batch.inputs.shape[1]
        rows_of = torch.stack([batch.users, batch.items, batch.cells], 1)
        for user, item, cell in rows_of.tolist():
            before = batch.inputs[cell // width][: cell % width + 1].tolist()
            actual.append((user, before, item))
        held = (batch.inputs != 7).view(-1).nonzero().squeeze(1)
        assert torch.equal(held, batch.cells), "every item of the inputs is a row"
        assert 0 < width <= length and (batch.inputs[:, -1] != 7).any(), "no column is padding only"
    for user, row in enumerate(rows):
        row = row[-length - 1 :]
        expected += [(user, row[:t], row[t]) for t in range(1, len(row))]
    assert sorted(actual) == sorted(expected)


@pytest.mark.parametrize("kind", [Pairs, Sequences])
def test_the_order_comes_from_the_generator(kind):
    train = csr_of([[0, 1, 2, 3], [4, 5], [6, 0, 1]] * 5)
    feed = Pairs(train, 4) if kind is Pairs else Sequences(train, 4, 3)
    orders = [torch.cat([b.items for b in feed.epoch(stream(s, "b"))]).tolist() for s in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    generator = stream(0, "b")
    first, second = (torch.cat([b.items for b in feed.epoch(generator)]) for _ in range(2))
    assert not torch.equal(first, second), "a fresh order every epoch"


def test_nothing_to_learn_from_is_no_batch():
    assert not list(Sequences(csr_of([[1], []]), 2, 3).epoch(stream(0, "b")))
    assert not list(Pairs(csr_of([[], []]), 2).epoch(stream(0, "b")))
