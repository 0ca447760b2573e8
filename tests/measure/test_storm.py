"""When the storm's result is not as it has to be."""

from collections import Counter

import pytest

from measure.storm import find_failures, growth, summary

WORKERS = 20


def row(scenario, *, graded, logins=WORKERS, evictions=0, workers=WORKERS):
    counts = Counter({"graded": graded, "logins": logins, "evictions": evictions})
    times = {"login": {"p50_ms": 400.4, "p95_ms": 900.6}, "get_submission": None, "put_result": None}
    return {"scenario": scenario, "workers": workers, "counts": counts, "times": times}


def storm(exempt):
    return [row("no exemption", graded=9, logins=140, evictions=300), exempt, row("protection off", graded=1000)]


@pytest.mark.parametrize("graded", [950, 1000, 1050])
def test_as_many_logins_as_workers_and_as_much_graded_as_without_the_protection(graded):
    assert find_failures(storm(row("exempt", graded=graded))) == []


@pytest.mark.parametrize(
    ("exempt", "failure"),
    [
        (row("exempt", graded=949), "949"),
        (row("exempt", graded=1051), "1051"),
        (row("exempt", graded=1000, logins=21), "21 logins"),
        (row("exempt", graded=1000, logins=19), "19 logins"),
        (row("exempt", graded=1000, evictions=1), "1 evictions"),
    ],
)
def test_anything_else_is_told(exempt, failure):
    (told,) = find_failures(storm(exempt))
    assert failure in told


def test_other_numbers_of_workers_may_not_evict_each_other_either():
    rows = [*storm(row("exempt", graded=1000)), row("exempt", graded=50, logins=7, evictions=2, workers=5)]
    assert find_failures(rows) == ["5 exempt workers: 7 logins, 2 evictions"]


def test_a_scenario_in_which_nothing_was_graded_has_a_row_too():
    line = summary(row("no exemption", graded=0))
    assert line["Logins per graded"] == line["put_result, ms"] == "-"
    assert line["login, ms"] == "400 / 901"


def test_the_second_table_has_a_line_for_each_number_of_workers():
    rows = [*storm(row("exempt", graded=1000)), row("exempt", graded=50, logins=5, workers=5)]
    assert growth(rows) == [
        {"Workers": 5, "Exempt": "50 / 5 / 0"},
        {
            "Workers": 20,
            "No exemption": "9 / 140 / 300",
            "Exempt": "1000 / 20 / 0",
            "Protection off": "1000 / 20 / 0",
        },
    ]
