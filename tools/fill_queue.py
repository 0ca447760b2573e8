"""
Fill the queue of the demo for ``make graders``, and delete earlier submissions. LMS_CFG names the demo's lms.yml.

A submission that a grader pulled and did not answer is offered again after five minutes. A submission of an earlier run
would be counted as lost.
"""

import os
import signal
import sys
from pathlib import Path

from measure.populate import fill_queue
from measure.storm import QUEUE
from tools.provision import DATABASE, set_up_django

WAITING = 200


def main(config):
    """Fill the queue. On an error that the reader can correct, exit with a message."""
    # Ctrl-C ends the process at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError

    try:
        if not config.exists():
            sys.exit(f'There is no demo in {config.parent}. Start it first with "make run", or name its DATA_DIR.')
        set_up_django(config, config.parent / DATABASE)
        fill_queue(QUEUE, WAITING)
        print(f"{WAITING} submissions wait in the queue {QUEUE}.", flush=True)
    except (ValueError, ImproperlyConfigured) as error:
        sys.exit(str(error))
    except DatabaseError as error:
        sys.exit(f'The queue in {config.parent} cannot be filled: {error}. Is "make run" ready?')


if __name__ == "__main__":
    main(Path(os.environ["LMS_CFG"]))
