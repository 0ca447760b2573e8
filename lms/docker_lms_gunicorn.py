"""
How gunicorn serves the LMS. The environment variables WEB_CONCURRENCY and GUNICORN_CMD_ARGS override these settings.

Each worker reads lms.yml when it starts, so a reload (SIGHUP) takes a changed file. Check the file before: gunicorn
stops if a worker cannot start. docs/production.rst shows how.
"""

import multiprocessing
import os
import signal

bind = "127.0.0.1:8000"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2 * multiprocessing.cpu_count() + 1)
# A worker that has not answered for so many seconds is replaced.
timeout = 60
# Longer than a proxy keeps an idle connection. Otherwise gunicorn could close one just as the proxy sends a request.
keepalive = 75
# Replace workers from time to time, so that a slow leak does no harm. The jitter keeps them from going all at once.
max_requests = 10_000
max_requests_jitter = 1_000
accesslog = "-"
errorlog = "-"
# By default every gunicorn of one account uses the same socket in its home directory.
control_socket_disable = True


def post_worker_init(worker):
    """Finish the current request at Ctrl-C, as at SIGTERM. Gunicorn would interrupt it and log a traceback."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, worker.handle_exit)
