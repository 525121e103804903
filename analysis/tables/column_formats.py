"""Number formats of the columns of tables, beside those that all outputs share."""


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
    """A number near 1: 1.23."""
    return f"{value:.2f}"


def signed(value: float) -> str:
    """A difference of metrics: +0.0123."""
    return f"{value:+.4f}"


def signed_percent(value: float) -> str:
    """A relative difference: +1.2 %."""
    return f"{100 * value:+.1f} %"


def p_value(value: float) -> str:
    """A p value: 0.012, or < 0.001."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
