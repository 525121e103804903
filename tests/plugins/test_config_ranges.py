"""Each bound of a Config's field: what passes, what is refused, and in which words."""

from dataclasses import dataclass

import pytest

from negbench.plugins.config_ranges import check_ranges

NAN = float("nan")


@dataclass(frozen=True)
class Config:
    negatives: int = 1
    tau: float = 0.1
    margin: float = 0.0

    def __post_init__(self):
        check_ranges(self, at_least={"negatives": 1}, above={"tau": 0}, between={"margin": (0, 2)})


@pytest.mark.parametrize("fields", [{}, {"negatives": 9}, {"margin": 2.0}, {"tau": 1e-9}])
def test_values_inside_and_on_an_inclusive_bound_pass(fields):
    Config(**fields)


REFUSED = [
    ({"negatives": 0}, "`negatives` must be at least 1; got 0"),
    ({"negatives": NAN}, "`negatives` must be at least 1; got nan"),
    ({"tau": 0}, "`tau` must be above 0; got 0"),
    ({"tau": NAN}, "`tau` must be above 0; got nan"),
    ({"margin": 3}, "`margin` must be from 0 to 2; got 3"),
    ({"margin": -0.5}, "`margin` must be from 0 to 2; got -0.5"),
    ({"margin": NAN}, "`margin` must be from 0 to 2; got nan"),
]


@pytest.mark.parametrize(("fields", "sentence"), REFUSED)
def test_a_value_outside_its_range_is_refused_by_name(fields, sentence):
    with pytest.raises(ValueError) as error:
        Config(**fields)
    assert str(error.value) == sentence


def test_a_config_without_bounds_passes():
    check_ranges(Config())
