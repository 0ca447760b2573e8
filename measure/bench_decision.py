"""The decision alone: who is exempt, with one name configured, and with very many."""

from measure.bench_cases import GROUP, USERNAME, account
from measure.sampling import Case, interleave

SIZES = (1, 1_000, 100_000)
FLAT = 1.5
NO_QUERY_SECONDS = 2e-6


def configurations(size):
    """Return the settings in which the account is matched by username, by none, by group, and by none with groups."""
    others = [f"somebody-else-{number}" for number in range(size)]
    return {
        "username": {"SINGLE_LOGIN_EXEMPT_USERNAMES": [*others[1:], USERNAME]},
        "none, usernames only": {"SINGLE_LOGIN_EXEMPT_USERNAMES": others},
        "group": {"SINGLE_LOGIN_EXEMPT_GROUPS": [*others[1:], GROUP]},
        "none, groups too": {"SINGLE_LOGIN_EXEMPT_USERNAMES": others, "SINGLE_LOGIN_EXEMPT_GROUPS": others},
    }


def find_rule_obviously(user):
    """Decide as one would at first: look into the lists, and ask the database about all groups by name."""
    from django.conf import settings

    return (
        user.username in settings.SINGLE_LOGIN_EXEMPT_USERNAMES
        or user.groups.filter(name__in=settings.SINGLE_LOGIN_EXEMPT_GROUPS).exists()
    )


def measure(rounds):
    """Return a row for each way to be matched and each number of names."""
    from openedx.core.djangoapps.single_login.exemptions import find_rule

    implementations = {"ours": find_rule, "obvious": find_rule_obviously}
    cases = [
        Case(f"{name}/{matched}/{size}", configured, account, decide)
        for size in SIZES
        for matched, configured in configurations(size).items()
        for name, decide in implementations.items()
    ]
    # At this scale a median still shows what else the machine did; the fastest sample does not.
    fastest = {name: min(benchmark.get_values()) for name, benchmark in interleave(cases, rounds).items()}
    return [
        {
            "matched": matched,
            "names": size,
            "seconds": fastest[f"ours/{matched}/{size}"],
            "obvious_seconds": fastest[f"obvious/{matched}/{size}"],
        }
        for matched in configurations(1)
        for size in SIZES
    ]


def summaries(rows):
    """Return ``rows`` as the document has them."""
    return [
        {
            "Matched by": row["matched"],
            "Names": f"{row['names']:,}",
            "Decision, µs": f"{row['seconds'] * 1e6:.2f}",
            "Obvious, µs": f"{row['obvious_seconds'] * 1e6:.2f}",
            "Ratio": f"{row['seconds'] / row['obvious_seconds']:.3f}",
        }
        for row in rows
    ]


def find_failures(rows):
    """Return what is not as it has to be, a sentence for each."""
    failures = []
    for matched in configurations(1):
        seconds = [row["seconds"] for row in rows if row["matched"] == matched]
        if max(seconds) > FLAT * min(seconds):
            failures.append(f"The decision by {matched} is not flat: {max(seconds) / min(seconds):.2f}")
        if matched in ("username", "none, usernames only") and max(seconds) > NO_QUERY_SECONDS:
            failures.append(f"The decision by {matched} takes {max(seconds) * 1e6:.2f} microseconds without a query")
    return failures
