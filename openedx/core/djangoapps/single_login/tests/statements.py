"""Record the statements that are sent to the database."""

import re
from collections import Counter
from contextlib import contextmanager

from django.db import connection

SESSION_STORE = "django_session"
# The last table: one in a subquery comes before it.
TABLE = re.compile(r".*(?:FROM|INTO|UPDATE) [`\"](\w+)[`\"]", re.DOTALL)


class Statements:
    """Records the statements that are sent inside this context, with their parameters."""

    def __init__(self):
        self.sent = []
        self._wrapper = connection.execute_wrapper(self._note)

    def __enter__(self):
        self._wrapper.__enter__()
        return self

    def __exit__(self, *exception):
        return self._wrapper.__exit__(*exception)

    def by_table(self):
        """Return the number of statements by table, without the session store and savepoints."""
        found = (TABLE.search(sql) for sql, _ in self.sent)
        return Counter(match[1] for match in found if match and match[1] != SESSION_STORE)

    def _note(self, execute, sql, params, many, context):
        self.sent.append((sql, params))
        return execute(sql, params, many, context)


@contextmanager
def overtaken_by(action, after="auth_userprofile"):
    """Call ``action`` once inside this context, directly after the first statement that has the text ``after``."""
    overtaken = []

    def overtake(execute, sql, *arguments):
        result = execute(sql, *arguments)
        if after in sql and not overtaken:
            overtaken.append(sql)
            action()
        return result

    with connection.execute_wrapper(overtake):
        yield
    assert overtaken
