import itertools
import random

import pytest

from keras_vit.tuning import Space
from keras_vit.tuning.projection import Projection, model_arguments

IMAGES = {"image_shape": (32, 32, 3), "num_classes": 10}
SPACE = Space(patch_size=(4, 8), depth=(2, 4, 6))
VALUES = {
    "depth": 6,
    "hidden_dim": 192,
    "num_heads": 8,
    "mlp_dim": 384,
    "patch_size": 4,
    "patch_embedding": "stem",
    "positions": "learned",
    "relative_positions": "rotary",
    "pool": "mean",
    "drop_path": 0.1,
    "learning_rate": 1e-3,
}


def draw(rng):
    names = [name for name in VALUES if name != "learning_rate"]
    return {**VALUES, **{name: rng.choice(getattr(SPACE, name)) for name in names}}


def test_every_proposal_ends_within_both_budgets_and_the_same_way_each_time():
    project = Projection(SPACE, IMAGES, max_parameters=200_000, max_flops=30_000_000)
    rng = random.Random(0)
    for _ in range(300):
        proposal = draw(rng)
        built = project(proposal)
        parameters, flops = project.cost(built)
        assert parameters <= 200_000
        assert flops <= 30_000_000
        assert built["hidden_dim"] % (4 * built["num_heads"]) == 0
        assert built == project(proposal) == project(built)
        assert all(built[name] <= proposal[name] for name in ("depth", "hidden_dim", "mlp_dim"))


def test_a_proposal_within_the_budgets_stays_as_it_is():
    assert Projection(SPACE, IMAGES)(VALUES) == VALUES
    assert Projection(SPACE, IMAGES, max_parameters=10**9, max_flops=10**12)(VALUES) == VALUES


def test_depth_mlp_and_width_are_lowered_in_turn():
    """The rule, step by step: each budget lets just the next model through."""
    steps = [
        {},
        {"depth": 4},
        {"mlp_dim": 256},
        {"hidden_dim": 160},
        {"depth": 2},
        {"mlp_dim": 192},
        {"hidden_dim": 128},
        {"mlp_dim": 128},
        {"hidden_dim": 96},
        {"mlp_dim": 64},
        {"hidden_dim": 64},
    ]
    fixed = ("patch_size", "patch_embedding", "positions", "relative_positions", "pool")
    space = Space(depth=(2, 4, 6), **{name: (VALUES[name],) for name in fixed})
    expected = VALUES
    cost = Projection(space, IMAGES).cost
    for step in steps:
        expected = {**expected, **step}
        budget = cost(expected)[0]
        assert Projection(space, IMAGES, max_parameters=budget)(VALUES) == expected


def test_patches_grow_when_nothing_else_can_be_lowered():
    least = {**VALUES, "depth": 2, "mlp_dim": 64, "hidden_dim": 64, "patch_size": 8}
    space = Space(patch_size=(4, 8), depth=(2, 4), patch_embedding=("stem",))
    flops = Projection(space, IMAGES).cost({**least, "relative_positions": "bias"})[1]
    most = Projection(space, IMAGES).cost({**least, "pool": "token"})[1]
    built = Projection(space, IMAGES, max_flops=max(flops, most))(VALUES)
    assert {name: built[name] for name in least} == least


def test_a_budget_that_not_even_the_least_model_meets_is_refused():
    with pytest.raises(ValueError, match="max_parameters=1000") as error:
        Projection(SPACE, IMAGES, max_parameters=1000)
    assert "parameters and takes" in str(error.value)
    with pytest.raises(ValueError, match="max_flops=1000"):
        Projection(SPACE, IMAGES, max_flops=1000)


def test_heads_and_stems_that_can_not_be_built_are_mended():
    space = Space(hidden_dim=(32, 40), num_heads=(1, 2, 8), patch_size=(7, 14))
    project = Projection(space, {"image_shape": (28, 28, 1), "num_classes": 10})
    built = project({**VALUES, "hidden_dim": 40, "num_heads": 8, "patch_size": 7})
    assert (built["num_heads"], built["patch_embedding"]) == (2, "linear")
    with pytest.raises(ValueError, match="hidden_dim=36"):
        Projection(Space(hidden_dim=(36,), num_heads=(2,), patch_size=(4,)), IMAGES)


def test_none_is_said_by_name():
    values = {**VALUES, "positions": "none", "relative_positions": "none"}
    assert model_arguments(values)["positions"] is None
    assert model_arguments(values)["relative_positions"] is None


def test_patch_sizes_are_those_that_images_can_have():
    sizes = {side: Space().for_images((side, side, 3)).patch_size for side in (8, 28, 32, 224)}
    assert sizes == {8: (2,), 28: (2, 4, 7), 32: (4, 8), 224: (16,)}
    with pytest.raises(ValueError, match="31x31"):
        Space().for_images((31, 31, 3))
    with pytest.raises(ValueError, match="(5,)"):
        Space(patch_size=(5,)).for_images((32, 32, 3))


@pytest.mark.parametrize(
    "wrong",
    [{"depth": (4, 2)}, {"depth": ()}, {"pool": ()}, {"learning_rate": (1.0, 0.1)}],
)
def test_a_space_without_order_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        Space(**wrong)


def test_the_budget_holds_for_every_corner_of_the_space():
    project = Projection(SPACE, IMAGES, max_parameters=150_000)
    names = ("patch_size", "patch_embedding", "positions", "relative_positions", "pool")
    for corner in itertools.product(*(getattr(SPACE, name) for name in names)):
        built = project({**VALUES, **dict(zip(names, corner, strict=True))})
        assert project.cost(built)[0] <= 150_000
