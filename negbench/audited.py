"""The audit of a cell: what its ranking of the test part says of popularity, as metric rows."""

from typing import Any

from negbench.audit import audit
from negbench.evaluate import Ranking
from negbench.ground import Ground


def audited(test: Ranking, ground: Ground) -> list[dict[str, Any]]:
    """The audit's rows of a record, at every K of the metrics."""
    found = audit(
        test.top,
        test.users,
        test.ranks,
        train=ground.split.train,
        test=ground.split.test,
        seen=ground.masked("test"),
        bands=ground.bands,
        ks=sorted({k for _, k, _ in test.values}),
    )
    return [
        {"split": "test", "metric": metric, "k": k, "band": band, "value": value}
        for (metric, k, band), value in found.items()
    ]
