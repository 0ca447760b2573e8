"""A login request end to end: every middleware, the view, the session; with the real password hash and a cheap one."""

from measure.bench_cases import PASSWORD, SCENARIOS, account, sign_in, visitor
from measure.measured_lms import REAL_HASHERS
from measure.sampling import Case, interleave

CHEAP_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MOST = 1.05
BOUND = "protection off"


def measure(rounds):
    """Return a row for each scenario."""
    real, cheap = _medians(REAL_HASHERS, rounds), _medians(CHEAP_HASHERS, 10 * rounds)
    return [{"scenario": name, "seconds": real[name], "cheap_hash_seconds": cheap[name]} for name in SCENARIOS]


def _medians(hashers, rounds):
    from django.test import override_settings

    with override_settings(PASSWORD_HASHERS=hashers):
        user = account()
        user.set_password(PASSWORD)
        user.save()
        cases = [Case(name, settings, visitor, sign_in, once=True) for name, settings in SCENARIOS.items()]
        return {name: benchmark.median() for name, benchmark in interleave(cases, rounds).items()}


def summaries(rows):
    """Return ``rows`` as the document has them."""
    bound = rows[0]
    return [
        {
            "Login": row["scenario"],
            "Request, ms": f"{row['seconds'] * 1e3:.1f}",
            "Ratio": f"{row['seconds'] / bound['seconds']:.3f}",
            "With a cheap hash, ms": f"{row['cheap_hash_seconds'] * 1e3:.2f}",
        }
        for row in rows
    ]


def find_failures(rows):
    """Return what is not as it has to be, a sentence for each."""
    seconds = {row["scenario"]: row["seconds"] for row in rows}
    return [
        f"A login {name} takes {seconds[name] / seconds[BOUND]:.3f} times as long as with the protection off"
        for name in ("exempt by username", "exempt by group")
        if seconds[name] > MOST * seconds[BOUND]
    ]
