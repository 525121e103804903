"""Number and metric formatting, shared by every table, figure and sentence."""

from collections.abc import Sequence
from math import floor, isnan, log10

from negbench.evaluation.metric_names import METRICS, Metric


def metric_label(metric: Metric) -> str:
    """A metric as papers write it: NDCG@20, Recall@20; one of a plug-in by its own name."""
    name, k = metric
    label = name.upper() if name in ("ndcg", "mrr", "map") else name.capitalize()
    return f"{label if name in METRICS else name}@{k}"


def counted(n: int, word: str, many: str = "") -> str:
    """A count with its noun in singular or plural: 1 seed, 3 seeds."""
    return f"{n:,} {word if n == 1 else many or word + 's'}"


def listed(words: Sequence[str]) -> str:
    """Words joined for a sentence: a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def number(value: float) -> str:
    """A metric with four decimals, or "-" where there is none."""
    return "-" if isnan(value) else f"{value:.4f}"


def spread(mean: float, std: float) -> str:
    """Mean ± standard deviation; the mean alone where one seed gives no deviation."""
    known = not isnan(mean) and not isnan(std)
    return f"{mean:.4f} ± {std:.4f}" if known else number(mean)


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals, and with more where one that is not 0 would read as 0."""
    if value and not round(value, decimals):
        decimals = 1 - floor(log10(abs(value)))  # two significant digits
    return f"{value:.{decimals}f}"


def percent(value: float) -> str:
    """A share in [0, 1] as percent: 6.10 %; one above 0 is never 0.00 %, but 0.0046 %."""
    return "-" if isnan(value) else f"{fixed(100 * value, 2)} %"


def fine_percent(value: float) -> str:
    """A share with a third digit where it is below 1 %: 0.133 %, for a rate beside its interval."""
    return "-" if isnan(value) else f"{fixed(100 * value, 3 if abs(value) < 0.01 else 2)} %"


def p_value(value: float, level: float = 0.05) -> str:
    """A p value to three decimals, < 0.001 below; more where it would read as the level itself.

    0.0497 is below the level and 0.0503 is not, so neither is written 0.050.
    """
    if value < 0.001:
        return "< 0.001"
    decimals = 3
    while value != level and decimals < 9 and float(f"{value:.{decimals}f}") == level:
        decimals += 1
    return f"{value:.{decimals}f}"


def p_cell(value: float) -> str:
    """A p value as a cell of a table: 0.016, <.001, - where nothing was tested."""
    return "-" if isnan(value) else "<.001" if value < 0.001 else p_value(value)


def p_words(value: float) -> str:
    """A p value in a sentence: p = 0.016, p < 0.001."""
    return f"p {'' if value < 0.001 else '= '}{p_value(value)}"


def seconds(value: float) -> str:
    """Seconds, or a ratio, with two or three significant digits."""
    if isnan(value):
        return "-"
    decimals = next((d for limit, d in ((0.1, 4), (10, 2), (100, 1)) if abs(value) < limit), 0)
    return f"{value:,.{decimals}f}"
