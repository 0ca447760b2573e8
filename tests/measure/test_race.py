"""What the race's table says, and what it tells of broken promises."""

from measure.race import FAULTS, find_failures, summarise


def row(configuration, **faults):
    counts = {"rounds": 10, **dict.fromkeys(FAULTS, 0), "answered 200": 40, "answered 400": 0, **faults}
    return {"site": "-", "configuration": configuration, "kind": "swap", "browsers": 2, **counts}


def test_all_configurations_of_a_site_are_one_line():
    (line,) = summarise([row("cache"), row("db", several=2, none=1)])
    assert line["rounds"] == 20
    assert line["several"] == 2
    assert line["answered 200"] == 80


def test_what_is_broken_is_told_with_its_configuration():
    assert find_failures([row("cache"), row("db", several=2, none=1)]) == ["- db: 2 swap: 2 several, 1 none"]
