"""The whole receiver: its statements, and its time to the commit."""

from measure.bench_cases import SCENARIOS, account, login_signal, receive
from measure.sampling import Case, interleave

STATEMENTS = {
    "protection off": 0,
    "exempt by username": 1,
    "exempt by group": 2,
    "not exempt": 2,
    "not exempt, groups configured": 3,
}


def new_login():
    """Return what the receiver gets when the account signs in once more."""
    return login_signal(account())


def measure(rounds):
    """Return a row for each scenario; where logins evict, every one evicts the one before."""
    cases = [Case(name, settings, new_login, receive, once=True) for name, settings in SCENARIOS.items()]
    benchmarks = interleave(cases, rounds)
    return [
        {"scenario": name, "statements": count_statements(settings), "seconds": benchmarks[name].median()}
        for name, settings in SCENARIOS.items()
    ]


def count_statements(settings):
    """Return how many statements the receiver sends, the session store's and those on savepoints left out."""
    from django.test import override_settings

    from testing.statements import Statements

    with override_settings(**settings):
        signal = new_login()
        with Statements() as statements:
            receive(signal)
    return statements.by_table().total()


def summaries(rows):
    """Return ``rows`` as the document has them."""
    return [
        {
            "Login": row["scenario"],
            "Statements": row["statements"],
            "Receiver, ms": f"{row['seconds'] * 1e3:.3f}",
        }
        for row in rows
    ]


def find_failures(rows):
    """Return what is not as it has to be, a sentence for each."""
    return [
        f"{row['scenario']}: {row['statements']} statements, not {STATEMENTS[row['scenario']]}"
        for row in rows
        if row["statements"] != STATEMENTS[row["scenario"]]
    ]
