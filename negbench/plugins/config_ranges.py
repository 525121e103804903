"""Range checks of Config dataclasses, with one wording for every plug-in."""

from collections.abc import Mapping


def check_ranges(
    config: object,
    *,
    at_least: Mapping[str, float] | None = None,
    above: Mapping[str, float] | None = None,
    between: Mapping[str, tuple[float, float]] | None = None,
) -> None:
    """Check that each named field of a config lies in its range; NaN lies in none.

    `at_least` and `above` give each field its inclusive and its exclusive lower bound, `between`
    both bounds, inclusive. Raises ValueError for the first field outside its range.
    """
    for name, low in (at_least or {}).items():
        value = getattr(config, name)
        if not value >= low:
            raise ValueError(f"`{name}` must be at least {low}; got {value}")
    for name, low in (above or {}).items():
        value = getattr(config, name)
        if not value > low:
            raise ValueError(f"`{name}` must be above {low}; got {value}")
    for name, (low, high) in (between or {}).items():
        value = getattr(config, name)
        if not low <= value <= high:
            raise ValueError(f"`{name}` must be from {low} to {high}; got {value}")
