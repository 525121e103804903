"""Number formats of the columns of tables, beside those that all outputs share."""

from ..number_format import fixed


def rounded(value: float) -> str:
    """A count: 1,234."""
    return f"{value:,.0f}"


def one_digit(value: float) -> str:
    """A rank or a number of epochs: 1.5, or 2."""
    return f"{value:.1f}".removesuffix(".0")


def times(value: float) -> str:
    """A ratio: 1.23 x."""
    return f"{value:.2f} x"


def two_digits(value: float) -> str:
    """A number near 1: 1.23; one that is not 0 is never 0.00."""
    return fixed(value, 2)


def signed(value: float) -> str:
    """A difference of metrics: +0.0123."""
    return f"{value:+.4f}"


def signed_percent(value: float) -> str:
    """A relative difference: +1.2 %."""
    return f"{100 * value:+.1f} %"
