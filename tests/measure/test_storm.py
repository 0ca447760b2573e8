"""The sentences about a storm whose result is wrong."""

import pytest

from measure.storm import FAULTS, find_failures, sentence

GRADERS = 20


def row(scenario, *, graded, logins=GRADERS, graders=GRADERS, **faults):
    over_time = {"over time": {}} if graders == GRADERS else {}
    counts = {"logins": logins, "graded": graded, **dict.fromkeys(FAULTS, 0), **faults}
    return {"scenario": scenario, "graders": graders, "seconds": 60, **counts, **over_time}


def storm(exempt):
    return [
        row("no exemption", graded=9, logins=140, **{"refused requests": 300}),
        exempt,
        row("protection off", graded=1000),
    ]


@pytest.mark.parametrize("graded", [950, 1000, 1050])
def test_grading_within_five_percent_is_no_failure(graded):
    assert find_failures(storm(row("exempt", graded=graded))) == []


@pytest.mark.parametrize(
    ("exempt", "failure"),
    [
        (row("exempt", graded=949), "949"),
        (row("exempt", graded=1051), "1051"),
        (row("exempt", graded=1000, logins=21), "21 logins"),
        (row("exempt", graded=1000, logins=19), "19 logins"),
        (row("exempt", graded=1000, **{"refused requests": 1}), "1 refused request"),
        (row("exempt", graded=1000, **{"lost results": 2}), "2 lost results"),
        (row("exempt", graded=1000, **{"failed logins": 3}), "3 failed logins"),
    ],
)
def test_every_fault_is_a_failure(exempt, failure):
    (told,) = find_failures(storm(exempt))
    assert failure in told


def test_refused_request_is_a_failure_with_any_number_of_graders():
    rows = [
        *storm(row("exempt", graded=1000)),
        row("exempt", graded=50, logins=7, graders=5, **{"refused requests": 2}),
    ]
    assert find_failures(rows) == ["exempt: 5 graders, 7 logins, 50 graded in 60 s, 2 refused requests."]


def test_faults_of_a_site_at_a_url_are_failures():
    assert find_failures([row("before", graded=3, logins=90, **{"refused requests": 80})]) != []
    assert find_failures([row("after", graded=200)]) == []


def test_a_storm_is_described_in_a_sentence():
    assert (
        sentence(row("make run", graded=200))
        == "make run: 20 graders, 20 logins, 200 graded in 60 s, no refused request."
    )


def test_one_of_a_kind_is_singular():
    one = row("make run", graded=1, logins=1, graders=1, **{"failed logins": 1, "refused requests": 1, "errors": 1})
    told = "1 grader, 1 login, 1 graded in 60 s, 1 failed login, 1 refused request, 1 error"
    assert sentence(one) == f"make run: {told}."
