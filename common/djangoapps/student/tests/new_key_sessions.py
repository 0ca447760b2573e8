"""A session engine like those of django-user-sessions and qsessions: a session that is lost loads under a new key."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Sessions in the database."""

    def load(self):
        data = super().load()
        if self.session_key is None:
            self.create()
        return data
