"""The table of cases at exempt only, on an unchanged platform."""

from django.test import TransactionTestCase
from exempt_only_cases import ExemptOnlyCases


class ExemptOnlyTest(ExemptOnlyCases, TransactionTestCase):
    """The LMS or Studio that the settings name. tox runs it with several settings."""
