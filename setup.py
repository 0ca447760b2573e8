"""
The packages of the wheel ``openedx-single-login``; everything else about it is in pyproject.toml.

The app is imported as ``openedx.core.djangoapps.single_login`` here and as ``openedx_single_login`` from the wheel.
"""

from setuptools import find_packages, setup

APP = "openedx/core/djangoapps/single_login"
NAME = "openedx_single_login"

setup(packages=[NAME, *(f"{NAME}.{package}" for package in find_packages(APP, exclude=["tests", "tests.*"]))])
