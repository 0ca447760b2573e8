"""MariaDB and Redis that a test may kill and restart. Each has a free port and a data folder."""

import contextlib
import getpass
import os
import shutil
import subprocess
from pathlib import Path

from mirakuru import TCPExecutor

from testing.production_lms import START_SECONDS, find_missing_driver, free_port

# Debian puts servers here. It may not be in PATH.
SEARCH_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
BINARIES = {"mariadbd": "mariadb-server", "mariadb-install-db": "mariadb-server", "redis-server": "redis-server"}


def find_obstacle():
    """Return why no private servers can run here and what to do, or None."""
    for binary, package in BINARIES.items():
        if _find(binary) is None:
            return f"{binary} is not installed: apt-get install {package}"
    return find_missing_driver()


class PrivateServer:
    """A server process that can be stopped with any signal and started again on the same data."""

    def __init__(self, folder, name):
        self.folder = Path(folder) / name
        self.folder.mkdir()
        self.log = Path(folder) / f"{name}.log"
        self.port = free_port()

    @contextlib.contextmanager
    def running(self):
        """Run the server, and yield it when it accepts connections."""
        with self.log.open("a") as log:
            self.process = TCPExecutor(
                self.command(), "127.0.0.1", self.port, timeout=START_SECONDS, sleep=0.05, stdout=log, stderr=log
            )
            with self.process:
                yield self

    @contextlib.contextmanager
    def stopped(self, how):
        """Stop the server with the signal ``how``, and start it again at the end."""
        self.process.stop(how)
        try:
            yield
        finally:
            self.process.start()


class PrivateMariaDb(PrivateServer):
    """A MariaDB with an empty database. On this machine root needs no password."""

    def __init__(self, folder):
        super().__init__(folder, "mariadb")
        self.address = {"HOST": "127.0.0.1", "PORT": self.port, "USER": "root", "PASSWORD": ""}
        install = [_find("mariadb-install-db"), "--no-defaults", "--auth-root-authentication-method=normal"]
        with self.log.open("a") as log:
            subprocess.run([*install, "--skip-test-db", *self._place()], check=True, stdout=log, stderr=log)

    def command(self):
        """Return the command line."""
        # The path of a socket must be short, so it is relative to the data folder.
        network = ["--socket=socket", "--bind-address=127.0.0.1", f"--port={self.port}"]
        return [_find("mariadbd"), "--no-defaults", *self._place(), *network]

    def _place(self):
        # A server that starts removes old temporary files, and must not find those of another server.
        return [f"--datadir={self.folder}", f"--tmpdir={self.folder}", f"--user={getpass.getuser()}"]


class PrivateRedis(PrivateServer):
    """A Redis without a disk. It is empty after a restart."""

    def __init__(self, folder):
        super().__init__(folder, "redis")
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self):
        """Return the command line."""
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [_find("redis-server"), *place, "--save", "", "--appendonly", "no"]

    def flush(self):
        """Delete all keys."""
        import redis

        with redis.Redis.from_url(self.url) as client:
            client.flushall()


def _find(binary):
    return shutil.which(binary, path=SEARCH_PATH)
