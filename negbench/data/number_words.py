"""Numbers in sentences: counts with their noun, times, shares that never round to none or all."""


def counted(n: int, word: str, many: str = "") -> str:
    """A count with its noun in singular or plural: 1 pair, 3 pairs."""
    return f"{n:,} {word if n == 1 else many or word + 's'}"


def percent(n: int, of: int) -> str:
    """A share as whole percent: 55 %; `under 1 %` and `over 99 %` where it would read 0 or 100."""
    share = 100 * n / of
    if 0 < share < 1:
        return "under 1 %"
    if 99 < share < 100:
        return "over 99 %"
    return f"{share:.0f} %"


def span(seconds: float) -> str:
    """A length of time in seconds, minutes or hours: 45 s, 12 min, 2.1 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
