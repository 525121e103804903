"""Numbers of split rules, checked: shares of a history, points in time."""

from fractions import Fraction

from negbench.errors import UserError
from negbench.scenario.rule_syntax import Rule


def three_shares(rule: Rule) -> tuple[Fraction, ...]:
    """Shares of train, valid, test, and perhaps left out (`ratio`). Raises UserError for others."""
    shares, most = rule.numbers, 4 if rule.name == "ratio" else 3
    if not 3 <= len(shares) <= most or shares[0] <= 0 or min(shares) < 0 or sum(shares) != 1:
        raise UserError(
            f"split rule `{rule}` needs three shares that sum to 1, the first above 0, "
            f"as in {rule.name}(0.8,0.1,0.1)"
        )
    return shares


def increasing_points(rule: Rule) -> tuple[Fraction, ...]:
    """The points in time that end train, valid and perhaps test. Raises UserError for others."""
    points = rule.numbers
    rising = list(points) == sorted(points) and len(set(points[1:])) == len(points) - 1
    if len(points) not in (2, 3) or not rising or not 0 < points[0] <= points[-1] < 1:
        raise UserError(
            f"split rule `{rule}` needs two rising shares between 0 and 1, as in temporal(0.8,0.9)"
        )
    return points


def share_for_valid(rule: Rule) -> Fraction:
    """The share of train that valid takes. Raises UserError for another."""
    if len(rule.numbers) != 1 or not 0 <= rule.numbers[0] < 1:
        raise UserError(
            f"split rule `{rule}` needs one share of train for valid, at least 0 and below 1, "
            f"as in {rule.name}(0.1)"
        )
    return rule.numbers[0]
