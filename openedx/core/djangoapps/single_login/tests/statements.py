"""The statements that a piece of code sends to the database, by table."""

import re
from collections import Counter
from contextlib import contextmanager

from django.db import connection

SESSION_STORE = "django_session"
TABLE = re.compile(r"(?:FROM|INTO|UPDATE) [`\"](\w+)[`\"]")


class Statements:
    """A context manager: what is sent to the database inside it."""

    def __init__(self):
        self.sent = []
        self._wrapper = connection.execute_wrapper(self._note)

    def __enter__(self):
        self._wrapper.__enter__()
        return self

    def __exit__(self, *exception):
        return self._wrapper.__exit__(*exception)

    def by_table(self):
        """Count the statements on each table but the session store's; those on savepoints are on none."""
        found = (TABLE.search(sql) for sql, _ in self.sent)
        return Counter(match[1] for match in found if match and match[1] != SESSION_STORE)

    def _note(self, execute, sql, params, many, context):
        self.sent.append((sql, params))
        return execute(sql, params, many, context)


@contextmanager
def overtaken_by(action):
    """Do ``action`` once within this context, right after the first statement on a profile."""
    overtaken = []

    def overtake(execute, sql, *arguments):
        result = execute(sql, *arguments)
        if "auth_userprofile" in sql and not overtaken:
            overtaken.append(sql)
            action()
        return result

    with connection.execute_wrapper(overtake):
        yield
    assert overtaken
