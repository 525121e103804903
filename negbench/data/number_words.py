"""Numbers in sentences: counts with their noun, and shares that never round to none or all."""


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
