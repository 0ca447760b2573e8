"""Run the command. Ctrl-C ends it in one line."""

import signal
import sys

try:
    # At Ctrl-C end the process at once: an interrupted import can fail in many ways, and there is nothing to clean up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from measure.command import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
except KeyboardInterrupt:
    sys.exit("Interrupted.")
