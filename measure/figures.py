"""The output of measurements: progress on a terminal, rows of JSON, and tables, also in the documents."""

import datetime
import json
import os
import platform
import re
import sys
import textwrap
from pathlib import Path

from testing.production_lms import REPO_ROOT

FIGURES = REPO_ROOT / "docs" / "figures"


def show(text):
    """Show ``text`` on the terminal instead of the text before. Do nothing without a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def describe_machine():
    """Return a sentence with the date and the machine."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    processor = named[1] if named else platform.machine()
    date = datetime.datetime.now(datetime.UTC).date()
    return f"Measured on {date} on {os.cpu_count()} CPUs ({processor}), Python {platform.python_version()}"


def add_rows(path, rows):
    """Append ``rows`` to the file ``path``, one JSON object in each line. Return all rows of the file."""
    with path.open("a+", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
        file.seek(0)
        return [json.loads(line) for line in file]


def insert(document, name, text):
    """Put ``text`` between the comments ``begin: name`` and ``end: name`` of ``document``."""
    before = document.read_text(encoding="utf-8")
    pattern = rf"(\.\. begin: {name}\n).*?(\.\. end: {name}\n)"
    after, found = re.subn(pattern, lambda match: f"{match[1]}\n{text}\n\n{match[2]}", before, flags=re.DOTALL)
    if found != 1:
        raise ValueError(f"{document.name} has no place for {name}")
    document.write_text(after, encoding="utf-8")


def paragraph(text):
    """Return ``text`` in lines as long as the documents'."""
    return textwrap.fill(text, 120)


def table(rows):
    """Return ``rows``, mappings with the same keys, as an RST table, without the values that are only drawn."""
    rows = [{name: value for name, value in row.items() if name != "over time"} for row in rows]
    lines = [[str(value) for value in line] for line in (rows[0], *(row.values() for row in rows))]
    lines[0] = [name[0].upper() + name[1:] for name in lines[0]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    first, *others = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
    return "\n".join([rule, first, rule, *others, rule])
