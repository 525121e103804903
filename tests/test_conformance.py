import pytest

from negbench import registry
from negbench.testing import CHECKS, conforms


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("method", registry.names("methods"))
def test_every_method_conforms(method: str, check: str) -> None:
    conforms(method, check)
