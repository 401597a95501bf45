"""MkDocs hook: the files of the repository that a page links to become part of the site.

A page in docs/ links to a file as the repository has it, `../results/digits/metrics.json` say, so
that the link works where the page is read without the site. This hook copies each such file to
`repository/` in the site and points the link there. A link to a file that does not exist ends the
build, with or without --strict.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
COPIES = "repository/"
LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files, config):
    """Add every file that a page links to, and those that an added page links to."""
    pages = [(f"docs/{page.src_uri}", page.content_string) for page in files.documentation_pages()]
    added = set()
    while pages:
        page, text = pages.pop()
        for target in outside_docs(page, text):
            if not (ROOT / target).is_file():
                raise PluginError(f"{page} links to {target}: there is no such file")
            if target in added:
                continue
            added.add(target)
            files.append(File.generated(config, COPIES + target, abs_src_path=str(ROOT / target)))
            if target.endswith(".md"):
                pages.append((target, (ROOT / target).read_text()))
    return files


def on_page_markdown(markdown, page, config, files):
    """Point the links of a page to the copies."""
    uri = page.file.src_uri
    here = uri.removeprefix(COPIES) if uri.startswith(COPIES) else f"docs/{uri}"

    def moved(match):
        target = resolved(here, match[2])
        if target is None:
            return match[0]
        new = target.removeprefix("docs/") if target.startswith("docs/") else COPIES + target
        new = posixpath.relpath(new, posixpath.dirname(uri) or ".")
        return f"{match[1]}{new}{match[3] or ''})"

    return LINK.sub(moved, markdown)


def outside_docs(page, text):
    """The files outside docs/ that a page links to, as paths in the repository."""
    targets = (resolved(page, match[2]) for match in LINK.finditer(text))
    return [target for target in targets if target and not target.startswith("docs/")]


def resolved(page, link):
    """The path in the repository that a page's link leads to; None for an address elsewhere."""
    if "://" in link or link.startswith("mailto:"):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
