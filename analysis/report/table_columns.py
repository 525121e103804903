"""Columns of the report's tables: header, field, number format, tooltip."""

from ..number_format import fine_percent, number, p_value, percent, seconds
from ..tables.column_formats import (
    one_digit,
    rounded,
    signed,
    signed_percent,
    times,
    two_digits,
)
from ..tables.table import Column

METHOD = Column("Method", "row")
FALSE = (
    METHOD,
    Column("used", "fnr", fine_percent, "of the negatives as used"),
    Column("drawn", "fnr_drawn", fine_percent, "before masking and selection"),
    Column("uniform", "fnr_expected", fine_percent, "expected of uniform draws over the same rows"),
    Column(
        "closed form", "fnr_closed", fine_percent, "by formula, where nothing chooses among draws"
    ),
    Column("counted", "fn_count", rounded, "the false negatives that the rates rest on"),
    Column("lift", "fnr_lift", times, "used against uniform"),
    Column("among hard", "fhnr", fine_percent, "of the hard negatives"),
    Column("hard", "hard", percent, "share of the negatives that are hard"),
    Column("planted", "planted_rate", percent, "share that are planted false negatives"),
    Column("planted lift", "planted_lift", times),
    Column(
        "planted weight", "planted_weight", two_digits, "their weight in the loss, 1 = as others"
    ),
    Column("detection AUC", "planted_auc", two_digits),
)
HARD = (
    METHOD,
    *(Column(f"gap {at} %", f"gap_p{at}", two_digits) for at in (10, 50, 90)),
    *(Column(f"above {at} %", f"percentile_p{at}", percent) for at in (10, 50, 90)),
)
COMPOSITION = (
    Column(
        "divergence", "neg_divergence", two_digits, "of the bands from the catalogue's, in nats"
    ),
    Column("popularity", "neg_popularity", one_digit, "mean train count of the negatives"),
    Column("distinct", "distinct", rounded, "distinct items among the watched"),
    Column("ess", "ess", percent, "effective sample size of the weights"),
    Column("gradient", "grad_norm", number, "mean norm of the slope of a row's loss"),
    Column("no gradient", "grad_zero", percent, "rows that learn nothing"),
    Column("snap", "snap", two_digits, "distance of made vectors to the nearest item"),
)
COST = (
    METHOD,
    *(Column(part, part, seconds) for part in ("sampling", "scoring", "update")),
    Column("CPU s/epoch", "cpu", seconds, "CPU seconds of these three, of all threads"),
    Column("wall s/epoch", "train", seconds, "wall seconds of these three"),
    Column("x epoch", "ratio", times, "against the baseline"),
    Column("probes", "probes", seconds),
    Column("evaluation", "evaluation", seconds),
    Column("negatives/s", "speed", rounded),
    Column("dots/epoch", "dots", rounded, "user-item dot products an epoch"),
    Column("x dots", "ratio_dots", times),
    Column("epochs", "epochs", rounded),
    Column("CPU s", "cpu_total", seconds, "of the whole training and its rankings"),
    Column("wall s", "total", seconds, "likewise"),
    Column("peak MB", "memory", rounded),
    Column("x MB", "ratio_memory", times),
)
TESTS = (
    METHOD,
    Column("against", "baseline", description="the row of the same settings"),
    Column("difference", "difference", signed),
    Column("relative", "relative", signed_percent),
    Column("effect", "effect", two_digits, "d_z: mean over standard deviation"),
    Column("p", "p_corrected", p_value, "corrected"),
    Column("MDE", "detectable", description="least difference found with power 0.8"),
    Column("verdict", "verdict"),
    Column("wins", "wins", rounded),
    Column("ties", "ties", rounded),
    Column("losses", "losses", rounded),
    Column("rank", "rank", one_digit),
    Column("p to best", "p_best", p_value),
    Column("tied", "tied"),
    Column("users", "n_users", rounded),
)
LEARNING = (
    METHOD,
    Column("best value", "best"),
    Column("epochs", "epochs", one_digit),
    Column("seconds", "wall", seconds),
)
