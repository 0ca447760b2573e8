"""
Link the package's page to the repository, in ``pyproject.toml`` and the package's README.

The workflow that publishes calls this, because it knows the address: python -m tools.add_links ADDRESS TAG
"""

import json
import sys
from pathlib import Path

README = "openedx/core/djangoapps/single_login/README.rst"
PLACES = {
    "Guide": "blob/{tag}/docs/operators.rst",
    "Source": "tree/{tag}",
    "Changelog": "blob/{tag}/CHANGELOG.rst",
    "Security": "blob/{tag}/SECURITY.rst",
    "Issues": "issues",
}


def add_links(root, address, tag):
    """Append links to the repository at ``address``, as it is at ``tag``, to both files in the folder ``root``."""
    links = {name: f"{address}/{place.format(tag=tag)}" for name, place in PLACES.items()}
    with (root / "pyproject.toml").open("a", encoding="utf-8") as project:
        project.write("\n[project.urls]\n")
        project.writelines(f"{name} = {json.dumps(link)}\n" for name, link in links.items())
    with (root / README).open("a", encoding="utf-8") as readme:
        readme.write("\nLinks\n*****\n\n")
        readme.writelines(f"* `{name} <{link}>`__\n" for name, link in links.items())


if __name__ == "__main__":
    add_links(Path(), *sys.argv[1:])
