"""The words of the page for readers who know nothing of recommenders, and what it cannot say."""

from ..number_format import metric_label
from .inputs import Block
from .shown import HISTORY, POPULAR, RANDOM

_NOT_MET = " that the user has not met yet"
Term = tuple[str, str]
ENOUGH = 5
"""Seeds from which on intervals over them are not wide for want of seeds."""
_PLAIN = {
    "recall": "the share of the {choices} that are in the list",
    "ndcg": "{choices} in the list, those near its top counting more, over the best list",
    "hit": "1 if any of the {choices} is in the list",
    "mrr": "1 over the place of the first of the {choices}, 0 if none is in the list",
    "map": "the mean share of {choices} down to each of them",
    "precision": "the share of the list that is among the {choices}",
}
"""Each metric for a reader without formulas; those are at `metric_kernels.metric_values`."""
LATER, HELD_OUT = "later choices", "held-out choices"
"""What the test part holds: of users in order of time, and where test pairs were drawn or given."""


def choices(in_order: bool) -> str:
    """What the items of the test part are to their users."""
    return LATER if in_order else HELD_OUT


def glossary(block: Block) -> tuple[Term, ...]:
    """The terms of a block's page with their meanings."""
    audience = block.audience
    meaning = _PLAIN.get(audience.metric.name, "a metric of a plug-in; see its own description")
    meaning = meaning.format(choices=choices(audience.in_order))
    what = "what the user chose later" if audience.in_order else "what else the user chose"
    before = " before" if audience.in_order else ""
    unmet = len(audience.seen) > 0
    head, tail = audience.bands.names[0], audience.bands.names[-1]
    return (
        (
            "system",
            "one way to make lists: a method of the run by its name, or lists from elsewhere",
        ),
        ("list", f"the {audience.k} items that a system shows a user, best first"),
        (HISTORY, f"what a user chose{before}, in the data that systems learn from (train)"),
        (
            metric_label(audience.metric),
            f"accuracy, how well a list holds {what} (test): {meaning}; 0 is nothing, higher is "
            "better",
        ),
        ("popularity of an item", "how many users chose it in train"),
        (
            ", ".join(audience.bands.names),
            f"the items by falling popularity, cut by {audience.bands.rule}: {head} is the most "
            f"popular, {tail} the least; {_rule(audience.bands.rule)}",
        ),
        (POPULAR, f"everybody's list of the most popular items{_NOT_MET if unmet else ''}"),
        (
            RANDOM,
            f"items{_NOT_MET if unmet else ''}, drawn at random for each; not the method "
            "`random`, which learns and only draws its wrong examples at random",
        ),
        (
            "niche, diverse, blockbuster",
            f"users by the share of {head} items in their own history: the fifth with the "
            "smallest share, those between, the fifth with the greatest",
        ),
        ("least to most active quarter", "users by the length of their history"),
        (
            "gain",
            f"{metric_label(audience.metric)} of a system less that of the most popular items, for "
            "the same users",
        ),
        ("coverage", "the share of all items that at least one user is shown"),
        (
            "95 %: a to b",
            "the interval: with other users and other trainings like these, the true value would "
            "lie in it 95 times in 100. `Over users alone`: there is one training or one set of "
            "lists, so how much another would differ is not counted",
        ),
        (
            "no clear difference",
            "the interval holds 0: the data do not show a difference, nor that there is none",
        ),
        (
            "training cut short",
            "accuracy was still rising when the budget ended: more training may change the order",
        ),
        ("not tuned", "its settings are defaults that no search chose on these data"),
        ("points", "the difference of two percentages: 42 % is 9 points more than 33 %"),
        ("seed", "a training from another random start; several show how much is chance"),
    )


def _rule(rule: str) -> str:
    name = rule.partition(":")[0]
    words = {
        "mass": "each band has the given share of all choices, so few items make the first",
        "items": "the cuts are shares of the items",
        "count": "the cuts are numbers of choices",
    }
    return words.get(name, "cut as named")


def limits(block: Block) -> tuple[str, ...]:
    """What the page cannot say."""
    seeds = sorted({system.n_seeds for system in block.systems} & set(range(2, ENOUGH)))
    few = f"{seeds[0]} seeds show little of how trainings differ, so" if seeds else ""
    return (
        *([f"{few} intervals that count them are wide; {ENOUGH} seeds narrow them."] * bool(few)),
        f"Accuracy counts {choices(block.audience.in_order)} among what users could find: a good "
        "item that nobody came upon counts as a miss, and popular items are come upon more.",
        "Groups of users differ in how hard they are to predict, so a group that is served worst "
        "is not served worst by fault of the system alone; compare its gain.",
        "A list that is more popular than a history is no fault by itself, nor is one that is "
        "less: whether it harms is not measured here.",
        "Intervals cover other users and trainings like these, not another time, catalogue or "
        "page, and no effect of the lists on what users choose next.",
        "The ten items and the users shown are picked by a rule from the numbers (see their "
        "captions); they illustrate and prove nothing.",
    )
