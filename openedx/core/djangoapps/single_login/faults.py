"""What makes the value of a setting unusable, and the message that says so. Callers hand the values in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any


def find_faults_in_names(setting: str, value: Any, noun: str) -> Iterator[str]:
    """Yield each fault in ``value``, the list of ``noun`` in ``setting``. None means an empty list."""
    if value is None:
        return
    if not isinstance(value, list | tuple | set | frozenset):
        # Repeat a plain word as the example. Anything else may not be the name that was meant.
        example = value if isinstance(value, str) and re.fullmatch(r"[\w.@+-]+( [\w.@+-]+)*", value) else "name"
        yield (
            f"{setting} must be a list of {noun}, but it is {value!r}. "
            f'Write it as a list, even for one name: {setting}: ["{example}"] (single_login.E001)'
        )
        return
    for position, entry in enumerate(value, start=1):
        if not isinstance(entry, str) or not entry or not _can_be_stored(entry):
            described = "null" if entry is None else repr(entry)
            yield (
                f"{setting}: entry {position} must be a name in quotes, but it is {described}. "
                "Write one name, in quotes and exactly as the account or group has it, or remove the entry. "
                "Without quotes, YAML reads a number, a date, yes, no or null as something other than text. "
                "(single_login.E002)"
            )


def find_faults_in_switch(setting: str, value: Any) -> Iterator[str]:
    """Yield a fault unless ``value`` is a boolean or None. None means false."""
    if value is not None and not isinstance(value, bool):
        yield f"{setting} must be true or false, but it is {value!r}. Write it without quotes. (single_login.E003)"


def _can_be_stored(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair.
        return False
    return True
