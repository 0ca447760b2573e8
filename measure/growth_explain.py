"""How MariaDB finds the rows for each query of the receiver."""

import re

from measure.bench_cases import SCENARIOS, sign_in, visitor

TABLES = re.compile(r"`auth_(userprofile|group)`")


def explain():
    """Return, for each query that a login or a logout adds, its SQL and MariaDB's plan, a mapping for each table."""
    from django.db import connection

    plans = []
    with connection.cursor() as cursor:
        for sql, params in collect().items():
            cursor.execute(f"EXPLAIN {sql}", params)
            names = [column[0] for column in cursor.description]
            plans.append({"sql": sql, "plan": [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]})
    return plans


def collect():
    """Sign in and out in every scenario, twice, so that there is a session to evict; return SQL and parameters."""
    from django.test import override_settings

    from testing.statements import Statements

    with Statements() as statements:
        for settings in SCENARIOS.values():
            with override_settings(**settings):
                sign_in(visitor())
                client = visitor()
                sign_in(client)
                client.post("/logout")
    return {sql: params for sql, params in statements.sent if TABLES.search(sql) and not sql.startswith("INSERT")}


def describe(plans):
    """Return ``plans`` as the document has them."""
    lines = []
    for plan in plans:
        lines += ["", f"    {shorten(plan['sql'])}"]
        lines += [
            f"      {step['table']}: {step['type']}, index {step['key']}, {step['rows']} row(s)"
            for step in plan["plan"]
        ]
    return "::\n" + "\n".join(lines)


def shorten(sql):
    """Return ``sql`` without quotes, and without the columns that it selects."""
    return re.sub(r"^SELECT .*? FROM", "SELECT ... FROM", sql.replace("`", ""))


def find_failures(plans):
    """Return what is not as it has to be, a sentence for each."""
    return [
        f"No index is used on {step['table']}: {shorten(plan['sql'])}"
        for plan in plans
        for step in plan["plan"]
        if step["key"] is None
    ]
