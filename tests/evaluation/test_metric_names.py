"""The names of metrics as they are typed."""

import subprocess
import sys

import pytest

from negbench.errors import UserError
from negbench.evaluation.metric_names import METRICS, parse_metrics


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("recall@20", [("recall", 20)]),
        ("NDCG@10", [("ndcg", 10)]),
        ("recall,ndcg@10,20", [("recall", 10), ("recall", 20), ("ndcg", 10), ("ndcg", 20)]),
        ("recall@20,NDCG@10", [("recall", 20), ("ndcg", 10)]),
        (" hr@5 , Prec@1,ndcg@5,5", [("hit", 5), ("precision", 1), ("ndcg", 5)]),
        (["map@3", "mrr@4"], [("map", 3), ("mrr", 4)]),
    ],
)
def test_spellings(text: str, expected: list[tuple[str, int]]) -> None:
    assert parse_metrics(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ndgc@20", "did you mean ndcg"),
        ("ndcg", "needs a list length"),
        ("ndcg@0", "from 1 on"),
        ("ndcg@x", "from 1 on"),
        ("ndcg@10,recall", "needs a list length"),
        ("20", "unknown metric"),
        ("", "unknown metric"),
    ],
)
def test_mistakes_are_told(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        parse_metrics(text)


def test_names_are_known_without_torch() -> None:
    code = "import sys, negbench.evaluation.metric_names; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert set(METRICS) == {"recall", "ndcg", "hit", "mrr", "map", "precision"}
