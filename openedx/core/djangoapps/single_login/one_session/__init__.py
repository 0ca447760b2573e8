"""
The app keeps the one session of an account itself.

With SINGLE_LOGIN_CHECK_EVERY_REQUEST it does so on every platform. The LMS of this repository always uses the slot. By
default a released platform keeps the one session with its own code. Then only the report uses this package, and only to
read.
"""
