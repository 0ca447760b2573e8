"""
The LMS that measurements run on: on MariaDB and Redis, or on SQLite where they are absent.

Passwords are hashed as on a real site, because nothing in a login costs more.
"""

import contextlib
import os
import tempfile

import yaml

from testing.production_lms import ProductionLms, connect, find_obstacle, production_lms, redis_url

REAL_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


class SqliteLms(ProductionLms):
    """The same LMS with its database in a file, where its sessions are, too."""

    def __init__(self, folder):
        super().__init__(folder, database=None, prefix=None, redis="")

    def configure(self, *, atomic_requests=True, **others):
        """Write the lms.yml."""
        super().configure(atomic_requests=atomic_requests, **others)
        config = yaml.safe_load(self.lms_cfg.read_text(encoding="utf-8"))
        del config["CACHES"]
        config["SESSION_ENGINE"] = "django.contrib.sessions.backends.db"
        config["DATABASES"]["default"] = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(self.folder / "lms.sqlite3"),
            "ATOMIC_REQUESTS": atomic_requests,
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 60, "init_command": "PRAGMA journal_mode=WAL"},
        }
        self.lms_cfg.write_text(yaml.safe_dump(config), encoding="utf-8")

    def migrate(self):
        """Fill the empty file."""
        self.manage("migrate", "--verbosity=0")
        self.manage("createcachetable", "--verbosity=0")


@contextlib.contextmanager
def measured_lms():
    """Yield a migrated LMS and what it runs on, in words; clean up behind it."""
    obstacle = find_obstacle()
    with tempfile.TemporaryDirectory() as folder:
        if obstacle is None:
            with production_lms(folder) as lms:
                yield lms, describe_servers()
        else:
            lms = SqliteLms(folder)
            lms.configure()
            lms.migrate()
            yield lms, "SQLite"
            print(f"This was measured on SQLite. {obstacle}")


@contextlib.contextmanager
def django_on(lms):
    """Set Django up in this process as in the LMS's own, logging to a file as a site does; close its connections."""
    handler = {"class": "logging.FileHandler", "filename": str(lms.log), "formatter": "standard"}
    formatter = {"format": "%(asctime)s %(levelname)s %(process)d [%(name)s] %(message)s"}
    static_root = lms.folder / "staticfiles"
    static_root.mkdir()
    lms.configure(
        PASSWORD_HASHERS=REAL_HASHERS,
        STATIC_ROOT=str(static_root),
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"standard": formatter},
            "handlers": {"file": handler},
            "root": {"handlers": ["file"], "level": "INFO"},
        },
    )
    os.environ.update(LMS_CFG=str(lms.lms_cfg), DJANGO_SETTINGS_MODULE="lms.envs.production")

    import django
    from django.db import connections

    django.setup()
    try:
        yield
    finally:
        connections.close_all()


def describe_servers():
    """Return the versions of MariaDB and Redis."""
    import redis

    with contextlib.closing(connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT VERSION()")
        database = cursor.fetchone()[0].split("-")[0]
    return f"MariaDB {database} and Redis {redis.Redis.from_url(redis_url()).info('server')['redis_version']}"
