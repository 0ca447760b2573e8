"""MariaDB and Redis of one's own, to be killed and started again: each on a free port, with its data in a folder."""

import contextlib
import getpass
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from testing.production_lms import START_SECONDS, connect, find_missing_driver

# Where Debian keeps servers; it is not on everybody's path.
SEARCH_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
BINARIES = {"mariadbd": "mariadb-server", "mariadb-install-db": "mariadb-server", "redis-server": "redis-server"}


def find_obstacle():
    """Return why no private servers can run here, and what to do about it; None when they can."""
    for binary, package in BINARIES.items():
        if _find(binary) is None:
            return f"{binary} is not installed: apt-get install {package}"
    return find_missing_driver()


class PrivateServer:
    """A server process that can be stopped in any way and started again with what its data folder holds."""

    def __init__(self, folder, name):
        self.folder = Path(folder) / name
        self.folder.mkdir()
        self.log = Path(folder) / f"{name}.log"
        self.port = _free_port()
        self.process = None

    def start(self):
        """Start it; return when it answers."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.process.args[0]} did not start: {self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def stop(self, how=signal.SIGTERM):
        """Send it the signal ``how``; return when it is gone."""
        self.process.send_signal(how)
        self.process.wait(timeout=60)

    @contextlib.contextmanager
    def stopped(self, how):
        """Stop it with the signal ``how``, and start it again in the end."""
        self.stop(how)
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def running(self):
        """Run it; yield it."""
        self.start()
        try:
            yield self
        finally:
            self.stop()


class PrivateMariaDb(PrivateServer):
    """A MariaDB with an empty database, whose root needs no password from this machine."""

    def __init__(self, folder):
        super().__init__(folder, "mariadb")
        self.address = {"HOST": "127.0.0.1", "PORT": self.port, "USER": "root", "PASSWORD": ""}
        self._run_as = f"--user={getpass.getuser()}"
        install = [_find("mariadb-install-db"), "--no-defaults", "--auth-root-authentication-method=normal"]
        options = ["--skip-test-db", f"--datadir={self.folder}", self._run_as]
        with self.log.open("a") as log:
            subprocess.run([*install, *options], check=True, stdout=log, stderr=log)

    def command(self):
        """Return the command line."""
        # The path of a socket must be short: this one is relative to the data folder.
        place = [f"--datadir={self.folder}", "--socket=socket", "--bind-address=127.0.0.1", f"--port={self.port}"]
        return [_find("mariadbd"), "--no-defaults", *place, self._run_as]

    def answers(self):
        """Tell whether it takes connections."""
        import MySQLdb

        with contextlib.suppress(MySQLdb.Error), contextlib.closing(connect(**self.address)):
            return True
        return False


class PrivateRedis(PrivateServer):
    """A Redis that keeps nothing on disk: it is empty after a restart."""

    def __init__(self, folder):
        super().__init__(folder, "redis")
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self):
        """Return the command line."""
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [_find("redis-server"), *place, "--save", "", "--appendonly", "no"]

    def answers(self):
        """Tell whether it takes commands."""
        import redis

        with redis.Redis.from_url(self.url) as client, contextlib.suppress(redis.RedisError):
            return client.ping()
        return False

    def flush(self):
        """Forget everything."""
        import redis

        with redis.Redis.from_url(self.url) as client:
            client.flushall()


def _free_port():
    """Return a port that nobody is given while the server is down: those for outgoing connections begin at 32768."""
    while True:
        port = random.randint(20_000, 32_000)  # noqa: S311
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _find(binary):
    return shutil.which(binary, path=SEARCH_PATH)
