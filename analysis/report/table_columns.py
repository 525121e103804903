"""Heads: the columns of the page's sheets, each a figure of an analysis and how it is said."""

from ..number_format import number, percent, seconds
from ..tables.sortable_table import (
    Head,
    one_digit,
    p_value,
    rounded,
    signed,
    signed_percent,
    times,
    two_digits,
)

METHOD = Head("Method", "row")
FALSE = (
    METHOD,
    Head("used", "fnr", percent, "of the negatives as used"),
    Head("drawn", "fnr_drawn", percent, "before masking and selection"),
    Head("uniform", "fnr_expected", percent, "expected of uniform draws over the same rows"),
    Head("lift", "fnr_lift", times, "used against uniform"),
    Head("among hard", "fhnr", percent, "of the hard negatives"),
    Head("hard", "hard", percent, "share of the negatives that are hard"),
    Head("planted", "planted_rate", percent, "share that are planted false negatives"),
    Head("planted lift", "planted_lift", times),
    Head("planted weight", "planted_weight", two_digits, "their weight in the loss, 1 = as others"),
    Head("detection AUC", "planted_auc", two_digits),
)
HARD = (
    METHOD,
    *(Head(f"gap {at} %", f"gap_p{at}", two_digits) for at in (10, 50, 90)),
    *(Head(f"above {at} %", f"percentile_p{at}", percent) for at in (10, 50, 90)),
)
MADE_UP = (
    Head("divergence", "neg_divergence", two_digits, "of the bands from the catalogue's, in nats"),
    Head("popularity", "neg_popularity", one_digit, "mean train count of the negatives"),
    Head("distinct", "distinct", rounded, "distinct items among the watched"),
    Head("ess", "ess", percent, "effective sample size of the weights"),
    Head("gradient", "grad_norm", number, "mean norm of the slope of a row's loss"),
    Head("no gradient", "grad_zero", percent, "rows that learn nothing"),
    Head("snap", "snap", two_digits, "distance of made vectors to the nearest item"),
)
COST = (
    METHOD,
    *(Head(part, part, seconds) for part in ("sampling", "scoring", "update")),
    Head("epoch", "train", seconds, "sampling, scoring and update"),
    Head("x epoch", "ratio", times, "against the baseline"),
    Head("probes", "probes", seconds),
    Head("evaluation", "evaluation", seconds),
    Head("negatives/s", "speed", rounded),
    Head("dots/epoch", "dots", rounded, "user-item dot products an epoch"),
    Head("x dots", "ratio_dots", times),
    Head("epochs", "epochs", rounded),
    Head("whole (s)", "total", seconds),
    Head("peak MB", "memory", rounded),
    Head("x MB", "ratio_memory", times),
)
TESTS = (
    METHOD,
    Head("difference", "difference", signed),
    Head("relative", "relative", signed_percent),
    Head("effect", "effect", two_digits, "d_z: mean over standard deviation"),
    Head("p", "p_corrected", p_value, "corrected"),
    Head("verdict", "verdict"),
    Head("wins", "wins", rounded),
    Head("ties", "ties", rounded),
    Head("losses", "losses", rounded),
    Head("rank", "rank", one_digit),
    Head("p to best", "p_best", p_value),
    Head("tied", "tied"),
    Head("users", "n_users", rounded),
)
LEARNING = (
    METHOD,
    Head("best value", "best"),
    Head("epochs", "epochs", one_digit),
    Head("seconds", "wall", seconds),
)
