"""How gunicorn serves the LMS. WEB_CONCURRENCY and GUNICORN_CMD_ARGS override, as they do everywhere."""

import multiprocessing

bind = "127.0.0.1:8000"
workers = 2 * multiprocessing.cpu_count() + 1
preload_app = True
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
