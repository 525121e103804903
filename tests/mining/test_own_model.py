"""Mining with a model of the user's own: what it may return, and what is refused."""

import numpy as np
import pytest
import torch

import negbench
from negbench.errors import UserError
from negbench.parts import BPR, Uniform
from negbench.protocol import Method

USERS, ITEMS = [0, 0, 1, 2], [0, 1, 2, 3]


def table(users, ids):
    return (users.unsqueeze(1) * 7 + ids * 3).float()


def mine(score=table, **settings):
    return negbench.mine(k=2, score=score, users=USERS, items=ITEMS, n_items=6, **settings)


def test_columns_and_kinds():
    negatives = mine()
    frame = negatives.frame()
    assert dict(negatives.columns) == {
        "user": int,
        "positive": int,
        "negative": int,
        "rank": int,
        "s_positive": float,
        "s_negative": float,
    }
    assert list(frame.columns) == list(negatives.columns)
    assert frame["rank"].tolist() == [1, 2] * 4
    assert frame["negative"].tolist() == [5, 4] * 4


def test_the_summary_says_what_is_not_known():
    negatives = mine()
    assert "nothing is mined yet" in negatives.summary()
    negatives.frame()
    summary = negatives.summary()
    assert summary.startswith("8 negatives of 4 train pairs, up to 2 each: the highest scored")
    assert "the train pairs are excluded, other positives are not known" in summary
    assert "held-out" not in summary


def test_a_method_asks_for_its_candidates_alone():
    """A user's model may be slow: all items are scored only where all are ranked."""
    widths = set()

    def score(users, ids):
        widths.add(ids.shape[1])
        return table(users, ids)

    mine(score, method="random").frame()
    assert max(widths) <= 2  # positives, and the negatives that were chosen
    mine(score).frame()
    assert max(widths) == 6


@pytest.mark.parametrize(
    ("score", "sentence"),
    [
        (lambda users, ids: table(users, ids)[:, :1], "must return one score an id, "),
        (lambda users, ids: np.zeros(ids.shape), "must return a tensor of scores"),
        (
            lambda users, ids: torch.where(ids == 5, torch.nan, table(users, ids)),
            "scores must be finite; got nan for user 0 and item 5",
        ),
    ],
)
def test_wrong_scores_are_refused_in_a_sentence(score, sentence):
    with pytest.raises(UserError, match=sentence):
        mine(score).frame()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"method": "dnss"}, "did you mean dns"),
        ({"method": "directau"}, "must draw negatives"),
        ({"exclude": "all"}, "exclude= belongs to the model of a run"),
        ({"row": "dns"}, "row= belongs to the model of a run"),
        ({"run": "runs/x"}, "run= belongs to the model of a run"),
        ({"items": None}, "give users= and items="),
        ({"method": Method(Uniform(2), BPR())}, "method must be a name .* got a Method"),
        ({"also_exclude": np.zeros((3, 2), int)}, r"also_exclude must be \(users, items\); got a"),
        ({"device": "gpu"}, "`device` must be one that torch has here"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_is_scored(wrong, sentence):
    def score(users, ids):
        raise AssertionError("asked")

    given = {"score": score, "users": USERS, "items": ITEMS, **wrong}
    with pytest.raises(UserError, match=sentence):
        negbench.mine(**given)


def test_without_a_model_it_says_what_to_give():
    with pytest.raises(UserError, match="mine needs a model: the folder of a run, or score="):
        negbench.mine()
    with pytest.raises(UserError, match="mine needs the folder of a run, or a Run; got 3"):
        negbench.mine(3)
    with pytest.raises(UserError, match="users= belongs to a model of your own"):
        negbench.mine("runs/x", users=USERS, items=ITEMS)


def test_nobody_to_exclude_excludes_nobody():
    """Held-out pairs may be none."""
    for none in (([], []), (np.array([], int), np.array([], int))):
        assert mine(also_exclude=none).frame().equals(mine().frame())


def test_a_file_is_whole_or_absent(tmp_path, monkeypatch):
    monkeypatch.setattr("negbench.mining.mined.PAIRS", 1)
    asked = []

    def breaks(users, ids):
        asked.append(len(users))
        if len(asked) > 5:
            raise RuntimeError("the model fell over")
        return table(users, ids)

    target = tmp_path / "negatives.jsonl"
    target.write_text("earlier\n")
    with pytest.raises(RuntimeError):
        mine(breaks, method="random").write(target)
    assert list(tmp_path.iterdir()) == [target] and target.read_text() == "earlier\n"
    assert mine().write(target) == 8 and len(target.read_text().splitlines()) == 8


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"ends in .parquet or .jsonl; got"):
        mine().write(tmp_path / "negatives.csv")
    with pytest.raises(UserError, match="must be a file that can be written"):
        mine().write(tmp_path / "nowhere" / "negatives.jsonl")
