"""
How gunicorn serves the LMS. WEB_CONCURRENCY and GUNICORN_CMD_ARGS override, as they do everywhere.

A reload (SIGHUP) takes a changed lms.yml. Every worker, also one that replaces another, reads the copy that the last
good start or reload took: a faulty file neither stops the server nor reaches some of its workers.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

bind = "127.0.0.1:8000"
workers = 2 * multiprocessing.cpu_count() + 1
# Seconds after which a worker that has not answered is replaced.
timeout = 60
# Longer than a proxy keeps an idle connection, so that it is never the server that closes one under a request.
keepalive = 75
# Recycling workers keeps a slow leak harmless; the jitter keeps them from going all at once.
max_requests = 10_000
max_requests_jitter = 1_000
accesslog = "-"
errorlog = "-"
# It would be one socket in the home directory for every gunicorn of the account.
control_socket_disable = True

LOAD = """
import sys
try:
    import lms.wsgi
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def take_lms_yml(server):
    """Copy the file that LMS_CFG names for the workers to come. Raise ValueError if the LMS does not start with it."""
    original = os.environ.get("LMS_CFG", "")
    try:
        content = Path(original).read_bytes()
    except OSError as error:
        raise ValueError(f"LMS_CFG: {original!r} cannot be read: {error.strerror}") from error
    copy = write_copy(server, content)
    environment = {**os.environ, "LMS_CFG": copy}
    try:
        command = [sys.executable, "-c", LOAD]
        subprocess.run(command, env=environment, check=True, stderr=subprocess.PIPE, text=True)  # noqa: S603
    except subprocess.CalledProcessError as error:
        os.unlink(copy)
        raise ValueError(error.stderr.replace(copy, original)) from error
    forget_lms_yml(server)
    server.lms_yml, server.lms_yml_content = copy, content


def write_copy(server, content):
    """Write ``content`` where the workers, and nobody else, can read it; return the path."""
    descriptor, path = tempfile.mkstemp(prefix="lms-", suffix=".yml")
    with open(descriptor, "wb") as copy:
        os.chown(descriptor, server.cfg.uid, server.cfg.gid)
        copy.write(content)
    return path


def forget_lms_yml(server):
    """Remove the copy that is in use."""
    if hasattr(server, "lms_yml"):
        Path(server.lms_yml).unlink(missing_ok=True)


def pre_fork(server, worker):
    """Write the copy again if whatever cleans the folder of temporary files has taken it."""
    if not Path(server.lms_yml).exists():
        server.lms_yml = write_copy(server, server.lms_yml_content)


def on_starting(server):
    """Refuse to start with a faulty lms.yml."""
    try:
        take_lms_yml(server)
    except ValueError as error:
        sys.exit(f"The LMS does not start. {error}")


def on_reload(server):
    """Go on with the configuration there is when the new one is faulty."""
    try:
        take_lms_yml(server)
    except ValueError as error:
        server.log.error("The LMS goes on with the configuration that it has. %s", error)


def post_fork(server, worker):
    """Let the worker read the copy."""
    os.environ["LMS_CFG"] = server.lms_yml


on_exit = forget_lms_yml
