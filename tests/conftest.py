import keras
import pytest


@pytest.fixture(autouse=True)
def _seeded():
    """Every test draws the same weights each time, alone or after others: none fails by chance.

    Fixtures of a module or session come before it.
    """
    keras.utils.set_random_seed(0)
