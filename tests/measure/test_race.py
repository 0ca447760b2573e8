"""The table of the race, and its sentences about broken promises."""

import pytest

from measure.race import FAULTS, find_failures, summarise


def row(configuration="db", level="check at every request", kind="swap", **faults):
    counts = {"rounds": 10, **dict.fromkeys(FAULTS, 0), "answered 200": 40, "answered 400": 0, **faults}
    return {"site": "-", "level": level, "configuration": configuration, "kind": kind, "browsers": 2, **counts}


def test_all_configurations_of_a_site_at_one_level_are_one_line():
    (line,) = summarise([row("cache"), row("db", several=2, none=1)])
    assert line["rounds"] == 20
    assert line["several"] == 2
    assert line["answered 200"] == 80


def test_each_level_has_a_line():
    assert len(summarise([row(level="exempt only"), row(level="check at every request")])) == 2


def test_a_broken_promise_is_reported_with_its_configuration():
    expected = ["- check at every request, db: 2 swap: 2 several, 1 none"]
    assert find_failures([row("cache"), row("db", several=2, none=1)]) == expected


@pytest.mark.parametrize(
    ("found", "is_failure"),
    [
        (row("cache", several=1), True),
        (row("cache", "exempt only", several=1), False),
        (row("db, atomic", "exempt only", several=1), True),
        (row("cache", "exempt only", none=1), True),
        (row("db", "exempt only", "random", several=1), False),
        (row("db", "exempt only", "random", **{"5xx": 1}), True),
    ],
)
def test_what_is_promised_depends_on_the_level(found, is_failure):
    assert bool(find_failures([found])) == is_failure
