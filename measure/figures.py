"""What measurements leave behind: JSON rows in docs/figures, and tables between markers in the documents."""

import datetime
import json
import os
import platform
import re
import textwrap
from pathlib import Path

REPO_ROOT = Path(__file__).resolve().parents[1]
FIGURES = REPO_ROOT / "docs" / "figures"
PERFORMANCE = REPO_ROOT / "docs" / "performance.rst"
README = REPO_ROOT / "README.rst"


def describe_machine(servers):
    """Return a sentence: when this was measured, on what."""
    import pyperf

    metadata = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    processor = metadata.get("cpu_model_name", platform.machine())
    date = datetime.datetime.now(datetime.UTC).date()
    return f"Measured on {date} on {os.cpu_count()} CPUs ({processor}), Python {platform.python_version()}, {servers}."


def write_json(name, rows):
    """Write ``rows`` to docs/figures."""
    FIGURES.mkdir(exist_ok=True)
    (FIGURES / f"{name}.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


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
    """Return ``rows``, mappings with the same keys in the same order, as an RST table under these keys."""
    lines = [[str(value) for value in line] for line in (rows[0], *(row.values() for row in rows))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rule = "  ".join("=" * width for width in widths)
    first, *others = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
    return "\n".join([rule, first, rule, *others, rule])
