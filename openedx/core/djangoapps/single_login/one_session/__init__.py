"""
The app keeps the one session of an account itself.

With SINGLE_LOGIN_CHECK_EVERY_REQUEST it does so on every platform. The LMS of this repository always uses the slot. By
default a released platform does this in its own code, and only the report uses what is here, to read.
"""
