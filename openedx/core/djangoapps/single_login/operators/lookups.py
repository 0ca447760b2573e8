"""Look names up in the database. The database finds candidates, Python compares them exactly."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import DatabaseError
from django.db.models import QuerySet

# Databases limit how long a statement may be.
CHUNK = 1000
# Errors of MySQL and MariaDB about a value with characters that the column's character set lacks, such as an emoji
# beside a column in utf8mb3.
CHARACTER_ERRORS = frozenset({1267, 1270, 1271, 3854, 3988})

T = TypeVar("T")


@dataclass(frozen=True)
class Lookup:
    """The rows that were found, by name, and the names that the column cannot hold."""

    found: dict[str, Any]
    not_storable: set[str]


def look_up(rows: QuerySet[Any, Any], column: str, names: Collection[str]) -> Lookup:
    """Find ``rows``, which are tuples that start with ``column``, by their exact names."""
    lookup = Lookup({}, set())
    for chunk in chunks(list(names)):
        _look_up_chunk(rows, column, chunk, lookup)
    return lookup


def fetch(rows: QuerySet[Any, Any]) -> list[Any] | None:
    """Return ``rows``, or None if the query has a character that one of its columns cannot hold."""
    try:
        return list(rows)
    except DatabaseError as error:
        if error.args and error.args[0] in CHARACTER_ERRORS:
            return None
        raise


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield ``values`` in parts of at most ``CHUNK``."""
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _look_up_chunk(rows: QuerySet[Any, Any], column: str, names: Sequence[str], lookup: Lookup) -> None:
    found = fetch(rows.filter(**{f"{column}__in": names}))
    if found is not None:
        wanted = set(names)
        lookup.found.update((row[0], row) for row in found if row[0] in wanted)
    elif len(names) == 1:
        lookup.not_storable.update(names)
    else:
        # One name spoils the statement: look for it in each half.
        middle = len(names) // 2
        _look_up_chunk(rows, column, names[:middle], lookup)
        _look_up_chunk(rows, column, names[middle:], lookup)
