"""What operators see: system checks, the report, and the report as a command's output and as a page."""
