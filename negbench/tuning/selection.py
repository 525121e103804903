"""Selection: trials by one seed, the winner by more seeds. It is given validation values alone.

Nothing here can read a test value: the functions take numbers by trial, and where these come from
is `validation.py`.
"""

from collections.abc import Mapping, Sequence

Values = Mapping[int, float | None]
"""A validation value a trial; None where it failed."""


def ranked(values: Values) -> list[int]:
    """Trials, best first; failed ones last, equal ones by their number."""
    return sorted(values, key=lambda trial: (_value(values[trial]), trial))


def finalists(values: Values, n: int) -> list[int]:
    """The best n trials that did not fail."""
    return [trial for trial in ranked(values) if values[trial] is not None][:n]


def winner(values: Mapping[int, Sequence[float | None]]) -> int | None:
    """The finalist with the best mean over its final seeds; None where all failed.

    A finalist that failed with any seed has no mean. Equal means go to the better trial, by the
    order of `values`.
    """
    means = {
        trial: sum(each) / len(each)  # type: ignore[arg-type]
        for trial, each in values.items()
        if each and None not in each
    }
    return max(means, key=lambda trial: means[trial], default=None)


def _value(value: float | None) -> float:
    return float("inf") if value is None else -value
