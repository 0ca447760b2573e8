"""Run the command. Ctrl-C ends it in one line."""

import signal
import sys

try:
    # An import that is cut off fails in many ways, and nothing has to be cleaned up yet: Ctrl-C just ends the process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from measure.command import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
except KeyboardInterrupt:
    sys.exit("Interrupted.")
