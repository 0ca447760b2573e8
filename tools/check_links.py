"""Check that every relative link in the documents leads to a file. "make docs-check" calls it."""

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from docutils import nodes
from docutils.core import publish_doctree


def get_links(document):
    """Return the addresses of the links and images in the file ``document``."""
    source = document.read_text(encoding="utf-8")
    tree = publish_doctree(source, source_path=str(document), settings_overrides={"report_level": 5})
    links = [node["refuri"] for node in tree.findall(nodes.reference) if "refuri" in node]
    return links + [node["uri"] for node in tree.findall(nodes.image)]


def find_broken_links(document):
    """Return the relative links in the file ``document`` whose target does not exist."""
    paths = {link: urlsplit(link) for link in get_links(document)}
    relative = {link: unquote(parts.path) for link, parts in paths.items() if not parts.scheme and parts.path}
    return [link for link, path in relative.items() if not (document.parent / path).exists()]


def main():
    """Print every broken link in the documents of the command line. Exit with 1 if there is one."""
    broken = [
        f"{document}: {link} does not exist" for document in sys.argv[1:] for link in find_broken_links(Path(document))
    ]
    sys.exit("\n".join(broken) or 0)


if __name__ == "__main__":
    main()
