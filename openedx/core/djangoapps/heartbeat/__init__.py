"""The heartbeat, which tells whether the LMS can serve requests."""
