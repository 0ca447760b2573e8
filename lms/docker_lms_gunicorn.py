"""
How gunicorn serves the LMS. WEB_CONCURRENCY and GUNICORN_CMD_ARGS override, as they do everywhere.

A reload (SIGHUP) takes a changed lms.yml. Every worker, also one that replaces another, reads the copy that the last
good start or reload took: a faulty file neither stops the server nor reaches some of its workers.
"""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

bind = "127.0.0.1:8000"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2 * multiprocessing.cpu_count() + 1)
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
    original = os.environ.get("LMS_CFG")
    if not original:
        raise ValueError("LMS_CFG is not set. Set this environment variable to the path of your lms.yml.")
    try:
        content = Path(original).read_bytes()
    except OSError as error:
        raise ValueError(f"LMS_CFG: {original!r} cannot be read: {error.strerror}") from error
    copy = write_copy(server, content)
    with ExitStack() as undo:
        undo.callback(os.unlink, copy)
        try_to_load(copy, original)
        undo.pop_all()
    forget_lms_yml(server)
    server.lms_yml, server.lms_yml_content = copy, content


def try_to_load(copy, original):
    """Raise ValueError if the LMS does not start with ``copy``; say it of ``original``."""
    environment = {**os.environ, "LMS_CFG": copy}
    try:
        command = [sys.executable, "-c", LOAD]
        subprocess.run(command, env=environment, check=True, stderr=subprocess.PIPE, text=True)  # noqa: S603
    except subprocess.CalledProcessError as error:
        raise ValueError(error.stderr.strip().replace(copy, original)) from error


def write_copy(server, content):
    """Write ``content`` where the workers, and nobody else, can read it; return the path."""
    descriptor, path = tempfile.mkstemp(prefix="lms-", suffix=".yml")
    with open(descriptor, "wb") as copy:
        os.chown(descriptor, server.cfg.uid, server.cfg.gid)
        copy.write(content)
    return path


def forget_lms_yml(server):
    """Remove the copy that is in use; in the workers, which read it, this does nothing."""
    if hasattr(server, "lms_yml") and os.getpid() == server.pid:
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
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    # Gunicorn's own hook is not called where it cannot listen.
    atexit.register(forget_lms_yml, server)


def on_reload(server):
    """Go on with the configuration there is when the new one is faulty."""
    try:
        take_lms_yml(server)
    except ValueError as error:
        server.log.error("The LMS goes on with the configuration that it has. %s", error)


def post_fork(server, worker):
    """Let the worker read the copy."""
    os.environ["LMS_CFG"] = server.lms_yml


def post_worker_init(worker):
    """Finish the current request at Ctrl-C, as at SIGTERM. Gunicorn would interrupt it and log a traceback."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, worker.handle_exit)
