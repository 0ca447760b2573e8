"""The views of the login path."""
