"""What holds for the source as a whole: floors, backends, private names, the size of files."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1] / "keras_vit"
SOURCES = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*.py")}
# A room imports rooms on lower floors only. Rooms on one floor do not import each other.
FLOORS = [
    {"files", "backend", "version", "extras"},
    {"layers", "augment", "data"},
    {"models"},
    {"train", "weights"},
    {"inspection"},
    {"report"},
    {"runs"},
    {"tuning", "reproductions"},
    {"commands"},
    {"__main__"},
]
DRAWS = {"report", "tuning"}
# Below this a file is a crumb, unless its first line says what it is alone for.
CRUMB = 20
CRUMBS = {"version.py", "__main__.py"}
NAMED_TUPLE = {"_asdict", "_replace", "_fields"}


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def room(name):
    return name.split("/")[0].removesuffix(".py")


def floor(folder):
    found = [i for i, folders in enumerate(FLOORS) if folder in folders]
    assert found, f"{folder} stands on no floor: add it to FLOORS"
    return found[0]


def test_every_room_imports_lower_floors_only():
    for name, path in SOURCES.items():
        if name == "__init__.py":
            continue
        for module in imported_modules(path):
            if not module.startswith("keras_vit."):
                continue
            other = module.split(".")[1]
            if not (ROOT / other).is_dir() and not (ROOT / f"{other}.py").exists():
                continue  # a name of the package itself
            below = floor(other) < floor(room(name))
            assert other == room(name) or below, f"{name} imports {module}"


def test_backends_are_imported_in_files_named_for_them_in_one_room():
    backends = {"tensorflow", "jax", "torch", "tensorflow_datasets"}
    for name, path in SOURCES.items():
        found = backends & {module.split(".")[0] for module in imported_modules(path)}
        if name == "data/tfds.py":
            assert found <= {"tensorflow_datasets"}
            continue
        if found:
            assert room(name) == "backend", f"{name} imports {found}"
            # gradients_jax.py may import jax, and nothing else.
            assert found == {Path(name).stem.rpartition("_")[2]}, f"{name} imports {found}"
    suffixes = tuple(f"_{backend}.py" for backend in backends)
    assert {room(name) for name in SOURCES if name.endswith(suffixes)} == {"backend"}


def test_private_names_of_keras_stand_in_one_file():
    private = {
        name
        for name, path in SOURCES.items()
        if any(module.startswith("keras.src") for module in imported_modules(path))
    }
    assert private == {"backend/keras_private.py"}
    own = {name for path in SOURCES.values() for name in private_names_defined_in(path)}
    for name, path in SOURCES.items():
        # KerasTuner's inside is used in tuning/, which pins its version.
        if room(name) in ("backend", "tuning"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute) or not is_private(node.attr):
                continue
            assert node.attr in own | NAMED_TUPLE, f"{name} uses {ast.unparse(node)}"


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def private_names_defined_in(path):
    """Private names of our own: functions, classes, and attributes that are assigned to self."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and is_private(node.name):
            yield node.name
        is_set = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if is_set and is_private(node.attr) and getattr(node.value, "id", None) == "self":
            yield node.attr


def test_matplotlib_is_used_where_pictures_are_drawn():
    for name, path in SOURCES.items():
        if any(module.split(".")[0] == "matplotlib" for module in imported_modules(path)):
            assert room(name) in DRAWS, f"{name} imports matplotlib"


def test_no_file_grows_past_400_lines_and_none_is_a_crumb():
    for name, path in SOURCES.items():
        lines = len(path.read_text().splitlines())
        assert lines <= 400, f"{name} has {lines} lines"
        may_be_small = room(name) == "backend" or name.endswith("__init__.py") or name in CRUMBS
        assert lines >= CRUMB or may_be_small, f"{name} has {lines} lines"


def test_every_module_says_in_its_first_line_what_it_is():
    for name, path in SOURCES.items():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{name} has no docstring"


def test_nothing_unpickles():
    for name, path in SOURCES.items():
        text = path.read_text()
        assert not re.search(r"allow_pickle=True|import pickle|safe_mode=False|Lambda\(", text), (
            name
        )


def test_no_command_line_is_built_in_code():
    """A run is started by its specification: `argv` words and namespaces are the parsers' own."""
    for name, path in SOURCES.items():
        if room(name) == "commands":
            continue
        text = path.read_text()
        built = re.search(r"ArgumentParser|Namespace\(|parse_args", text)
        assert not built, f"{name} builds or parses a command line: {built}"


def test_the_wheel_has_every_room():
    import tomllib

    config = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())
    rooms = {path.parent.name for path in ROOT.glob("*/*.py")}
    assert all((ROOT / room / "__init__.py").exists() for room in rooms)
    listed = set(config["tool"]["setuptools"]["packages"])
    assert listed == {"keras_vit", *(f"keras_vit.{room}" for room in rooms | {"recipes"})}
