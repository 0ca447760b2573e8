#!/usr/bin/env python
"""
Write docs/settings.rst from the annotations in the code; with ``--check``, fail if it is not what they say.

Usage: settings_reference.py [--check]
"""

import sys
import textwrap
from itertools import chain
from pathlib import Path

from code_annotations.base import AnnotationConfig
from code_annotations.find_static import StaticSearch

REPO_ROOT = Path(__file__).resolve().parents[1]
REFERENCE = REPO_ROOT / "docs" / "settings.rst"
SOURCES = ["lms", "openedx"]

HEAD = """\
Settings
########

Every setting of this project, as it is annotated in the code. This page is generated: change the annotation, and run
``make reference``. On a released platform ``SINGLE_LOGIN_...`` are the app's, and the platform's own documents say what
the others are there. What the settings are for, and how to choose them, is explained in `operators.rst
<operators.rst>`_.
"""


def find_settings():
    """Return each annotated setting or toggle as a dict of its fields, by name."""
    found = []
    for source in SOURCES:
        config = AnnotationConfig(str(REPO_ROOT / ".annotations.yml"), None, -1, str(REPO_ROOT / source))
        for annotation in chain.from_iterable(StaticSearch(config).search().values()):
            field = annotation["annotation_token"].strip(":. ").partition("_")[2]
            if field == "name":
                found.append({})
            found[-1][field] = annotation["annotation_data"]
    return sorted(found, key=lambda fields: fields["name"])


def render(fields):
    """Return one entry of the reference."""
    name = fields["name"]
    lines = [name, "*" * len(name), "", f"Default: ``{fields['default']}``", "", *wrap(fields["description"])]
    if "warning" in fields:
        lines += ["", ".. warning::", "", *(f"   {line}" for line in wrap(fields["warning"], 117))]
    return "\n".join(lines) + "\n"


def wrap(text, width=120):
    """Return ``text`` in lines."""
    return textwrap.wrap(" ".join(str(text).split()), width, break_long_words=False)


def main(is_check):
    """Write the reference, or compare it; return the exit code."""
    reference = "\n".join([HEAD, *map(render, find_settings())])
    if not is_check:
        REFERENCE.write_text(reference, encoding="utf-8")
    elif not REFERENCE.exists() or REFERENCE.read_text(encoding="utf-8") != reference:
        print("docs/settings.rst is not what the annotations say: run `make reference`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
