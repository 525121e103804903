"""Whether the pairs of a data set may be passed on, by what its card and its loader say.

Only licences that are known to allow it count; anything else, and any term that restricts use,
means no. A licence that nobody stated is no permission.
"""

import re

_FREE = re.compile(
    r"(CC0|CC BY(-SA)? \d\.\d|Apache-2\.0|MIT|PDDL|ODbL|none needed)\b", re.IGNORECASE
)
_BOUND = re.compile(
    r"no (re)?distribution|no redistribution|non-?commercial|no commercial|research (use|only)|"
    r"by hand|no licence|not known",
    re.IGNORECASE,
)


def refusal(licence: str, terms: str = "") -> str:
    """Why the pairs are not passed on, in words; empty where the licence allows it."""
    if bound := _BOUND.search(f"{licence} {terms}"):
        return f'its terms say "{bound[0]}"'
    if not licence.strip():
        return "no licence is known"
    return "" if _FREE.match(licence.strip()) else f'its licence is "{licence.strip()}"'
