"""A session engine that gives a lost session a new key, as django-user-sessions and qsessions do."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Sessions in the database. A session that is not found is created anew."""

    def load(self):
        data = super().load()
        if self.session_key is None:
            self.create()
        return data
