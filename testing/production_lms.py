"""
A production LMS for measurements and tests: gunicorn on MariaDB and Redis. It creates its database and key prefix.

The environment says where the servers are: MYSQL_HOST ("localhost" means the local socket), MYSQL_PORT, MYSQL_USER,
MYSQL_PASSWORD, and REDIS_URL.
"""

import contextlib
import importlib.util
import os
import random
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import yaml
from mirakuru import HTTPExecutor
from mirakuru.exceptions import ExecutorError

REPO_ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60


def mysql_address():
    """Return the address and the account of MariaDB, as in Django's DATABASES."""
    return {
        "HOST": os.environ.get("MYSQL_HOST", "localhost"),
        "PORT": int(os.environ.get("MYSQL_PORT", "3306")),
        "USER": os.environ.get("MYSQL_USER", "root"),
        "PASSWORD": os.environ.get("MYSQL_PASSWORD", ""),
    }


def redis_url():
    """Return the URL of Redis."""
    return os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")


def find_missing_driver():
    """Return which driver is missing and how to install it, or None."""
    for module in ("MySQLdb", "redis"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed: pip install -r requirements/edx/production.txt"
    return None


def find_obstacle():
    """Return why no production LMS can run here and what to do, or None."""
    missing = find_missing_driver()
    if missing:
        return missing
    import MySQLdb
    import redis

    try:
        connect().close()
    except MySQLdb.Error as error:
        return f"MariaDB does not answer ({error}): start it, or set MYSQL_HOST, MYSQL_PORT, MYSQL_USER, MYSQL_PASSWORD"
    try:
        redis.Redis.from_url(redis_url()).ping()
    except redis.RedisError as error:
        return f"Redis does not answer ({error}): start it, or set REDIS_URL"
    return None


def connect(**address):
    """Return a connection to MariaDB, at ``address`` or as the environment says. NAME is the database."""
    import MySQLdb

    found = {**mysql_address(), "NAME": "", **address}
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "database": "NAME"}
    return MySQLdb.connect(**{ours: found[djangos] for ours, djangos in names.items()}, autocommit=True)


@contextlib.contextmanager
def own_database(**address):
    """Create an empty database, yield its name, and drop it at the end."""
    name = f"single_login_{uuid.uuid4().hex[:12]}"
    with contextlib.closing(connect(**address)) as connection:
        connection.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield name
    finally:
        with contextlib.closing(connect(**address)) as connection:
            connection.cursor().execute(f"DROP DATABASE IF EXISTS {name}")


@contextlib.contextmanager
def own_prefix(url=None):
    """Yield a key prefix for Redis, and delete its keys at the end."""
    import redis

    prefix = f"single_login_{uuid.uuid4().hex[:12]}"
    try:
        yield prefix
    finally:
        client = redis.Redis.from_url(url or redis_url())
        for key in client.scan_iter(f"{prefix}:*", count=1000):
            client.delete(key)


class ProductionLms:
    """An LMS with a database, a key prefix and an lms.yml. ``serve`` runs gunicorn."""

    def __init__(self, folder, database, prefix, mysql=None, redis=None):
        self.folder = Path(folder)
        self.lms_cfg = self.folder / "lms.yml"
        self.log = self.folder / "lms.log"
        self.database = database
        self.prefix = prefix
        self.mysql = mysql or {}
        self.redis = redis or redis_url()
        self.secret_key = "a key for measuring and testing only"  # noqa: S105
        self.engine = None

    def configure(self, *, engine="cache", atomic_requests=True, **others):
        """Write the lms.yml: as in production, but for plain HTTP and with a cheap password hash."""
        self.engine = engine
        config = {
            "SECRET_KEY": self.secret_key,
            "ALLOWED_HOSTS": ["127.0.0.1"],
            "DATABASES": {
                "default": {
                    "ENGINE": "django.db.backends.mysql",
                    "NAME": self.database,
                    **mysql_address(),
                    **self.mysql,
                    "ATOMIC_REQUESTS": atomic_requests,
                    "CONN_MAX_AGE": 60,
                    "CONN_HEALTH_CHECKS": True,
                    "OPTIONS": {"isolation_level": "read committed", "charset": "utf8mb4"},
                }
            },
            "CACHES": {
                "default": {
                    "BACKEND": "django.core.cache.backends.redis.RedisCache",
                    "LOCATION": self.redis,
                    "KEY_PREFIX": self.prefix,
                }
            },
            "SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}",
            "SESSION_COOKIE_SECURE": False,
            "CSRF_COOKIE_SECURE": False,
            "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
            "LOGISTRATION_RATELIMIT_RATE": "1000000/5m",
            "LOGISTRATION_PER_EMAIL_RATELIMIT_RATE": "1000000/5m",
            **others,
        }
        self.lms_cfg.write_text(yaml.safe_dump(config), encoding="utf-8")

    def connect(self):
        """Return a connection to its database."""
        return connect(**self.mysql, NAME=self.database)

    @property
    def environment(self):
        """The environment of the LMS's processes."""
        return {**os.environ, "LMS_CFG": str(self.lms_cfg), "DJANGO_SETTINGS_MODULE": "lms.envs.production"}

    def manage(self, *arguments):
        """Run a management command and return its output."""
        return self.python("manage.py", "lms", *arguments)

    def python(self, *arguments):
        """Run Python with the LMS's environment variables and return its output."""
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=REPO_ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def migrate(self):
        """Migrate an empty MariaDB. Skips the migration of edx-submissions that fails there (docs/production.rst)."""
        self.manage("migrate", "submissions", "0005_submissionfile", "--verbosity=0")
        self.manage("migrate", "--fake", "submissions", "0006", "--verbosity=0")
        self.manage("migrate", "--verbosity=0")

    @contextlib.contextmanager
    def serve(self, *, workers=4, threads=1):
        """Run gunicorn and yield its URL when it answers."""
        address = f"127.0.0.1:{free_port()}"
        command = ["-m", "gunicorn", "--config", "lms/docker_lms_gunicorn.py", "--access-logfile", "/dev/null"]
        sizes = ["--workers", str(workers), "--threads", str(threads), "--bind", address]
        with self.log.open("a") as log:
            gunicorn = HTTPExecutor(
                [sys.executable, *command, *sizes, "lms.wsgi"],
                f"http://{address}/heartbeat",
                method="GET",
                cwd=REPO_ROOT,
                envvars=self.environment,
                timeout=START_SECONDS,
                stdout=log,
                stderr=log,
            )
            try:
                gunicorn.start()
            except ExecutorError as error:
                raise RuntimeError(f"The LMS did not start: {self.log.read_text()[-4000:]}") from error
            try:
                yield f"http://{address}"
            finally:
                gunicorn.stop()


@contextlib.contextmanager
def production_lms(folder, mysql=None, redis=None):
    """
    Yield a ProductionLms with a migrated database, and remove it at the end.

    ``mysql`` (as in DATABASES) and ``redis`` (a URL) say where the servers are. By default the environment does.
    """
    with own_database(**(mysql or {})) as database, own_prefix(redis) as prefix:
        lms = ProductionLms(folder, database, prefix, mysql, redis)
        lms.configure()
        lms.migrate()
        yield lms


def free_port():
    """Return a free port below 32768, so that no outgoing connection gets it while its server is down."""
    while True:
        port = random.randint(20_000, 32_000)  # noqa: S311
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def describe_servers():
    """Return the versions of MariaDB and Redis."""
    import redis

    with contextlib.closing(connect()) as connection:
        database = connection.get_server_info().split("-")[0]
    return f"MariaDB {database} and Redis {redis.Redis.from_url(redis_url()).info('server')['redis_version']}"
