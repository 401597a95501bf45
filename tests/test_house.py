"""What holds for the source as a whole."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1] / "keras_vit"
SOURCES = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*.py")}
FLOORS = [
    {"layers", "augment", "data", "files", "hardware", "hardware_torch"},
    {"models"},
    {"inspection", "weights"},
    {"training"},
    {"tuning"},
    {"app"},
    {"commands"},
    {"__main__"},
]


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def floor(folder):
    return next(i for i, folders in enumerate(FLOORS) if folder in folders)


def test_nothing_imports_upwards():
    for name, path in SOURCES.items():
        folder = name.split("/")[0].removesuffix(".py")
        if folder == "__init__":
            continue
        for module in imported_modules(path):
            if not module.startswith("keras_vit."):
                continue
            other = module.split(".")[1]
            below = floor(other) < floor(folder)
            assert other == folder or below, f"{name} imports {module}"


def test_backends_are_named_in_files_named_for_them_alone():
    backends = {"tensorflow", "jax", "torch", "tensorflow_datasets"}
    for name, path in SOURCES.items():
        found = backends & {module.split(".")[0] for module in imported_modules(path)}
        named_for = {Path(name).stem.rpartition("_")[2]}  # gradients_jax.py may import jax
        if name == "data/tfds.py":
            named_for = {"tensorflow_datasets"}
        assert found <= named_for, f"{name} imports {found}"


def test_keras_private_modules_are_imported_in_one_file():
    private = {
        name
        for name, path in SOURCES.items()
        if any(module.startswith("keras.src") for module in imported_modules(path))
    }
    assert private == {"augment/data_layer.py"}


def test_no_file_grows_past_400_lines():
    assert all(len(path.read_text().splitlines()) <= 400 for path in SOURCES.values())


def test_nothing_unpickles():
    for name, path in SOURCES.items():
        text = path.read_text()
        assert not re.search(r"allow_pickle=True|import pickle|safe_mode=False|Lambda\(", text), (
            name
        )
