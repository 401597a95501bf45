"""Write the tables of measured numbers in README.md and docs/ from the files in results/.

    python -m tools.results_table            write every table
    python -m tools.results_table --check    write nothing; status 1 where a page is out of date
    python -m tools.results_table --keep saved_models/kun_vit/cifar10

A page has a table between the lines `<!-- table: NAME -->` and `<!-- end of table -->`; NAME is a
key of `TABLES`. --keep first copies the small files of a finished run of a published system to
where the tables look for them.
"""

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path

from keras_vit.files import whole_file
from tools.tables import costs, runs, speed, systems

ROOT = Path(__file__).parents[1]
TABLES: dict[str, Callable[[], str]] = {
    **runs.TABLES,
    **speed.TABLES,
    **costs.TABLES,
    **systems.TABLES,
}
MARKED = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def main(arguments: list[str] | None = None) -> None:
    """Run the command; a run that cannot be kept ends it with one line and status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.results_table",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="write nothing, compare only")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="RUN",
        action="append",
        default=[],
        help="a finished run's folder; its small files go to results/reproductions/",
    )
    flags = parser.parse_args(arguments)
    try:
        for run in flags.keep:
            print(f"results_table: kept in {systems.keep(run)}")
        stale = [page for page in pages() if written(page) != page.read_text()]
    except (OSError, KeyError, ValueError) as error:
        parser.exit(2, f"results_table: error: {type(error).__name__}: {error}\n")
    for page in stale:
        if not flags.check:
            with whole_file(page) as draft:
                draft.write_text(written(page))
        print(f"results_table: {page.relative_to(ROOT)} {'is out of date' * flags.check}")
    if stale and flags.check:
        parser.exit(1)


def pages() -> list[Path]:
    """The pages that may have tables."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def written(page: Path) -> str:
    """The text of a page with every one of its tables written anew."""

    def table(match):
        if match[2] not in TABLES:
            raise ValueError(
                f"{page}: there is no table of that name. It must be one of "
                f"{', '.join(TABLES)}. Received: {match[2]}"
            )
        return f"{match[1]}{linked(TABLES[match[2]](), page)}\n{match[3]}"

    return MARKED.sub(table, page.read_text())


def linked(text: str, page: Path) -> str:
    """The text with every link to `@/PATH` made relative to the page's folder.

    Raises:
        ValueError: for a link to a file that does not exist.
    """

    def relative(match):
        target = ROOT / match[1]
        if not target.is_file():
            raise ValueError(f"{page} would link to a file that does not exist: {match[1]}")
        return f"]({Path(os.path.relpath(target, page.parent)).as_posix()})"

    return re.sub(r"\]\(@/(.+?)\)", relative, text)


if __name__ == "__main__":
    main()
