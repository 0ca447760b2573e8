"""One thing that needs an operator's attention."""

from dataclasses import dataclass

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004


@dataclass(frozen=True)
class Finding:
    """
    One thing that needs attention.

    ``setting`` and ``name`` are where it is, or None if it is not in one setting or one entry. If it is about accounts
    or names, ``count`` is how many, and ``accounts`` has the first usernames.
    """

    id: str
    message: str
    hint: str
    setting: str | None = None
    name: str | None = None
    count: int | None = None
    accounts: tuple[str, ...] = ()

    def as_check_message(self) -> CheckMessage:
        """Return this finding as a warning of the system checks."""
        return Warning(self.message, hint=self.hint, id=self.id)


def is_silenced(finding: Finding) -> bool:
    """Tell whether SILENCED_SYSTEM_CHECKS has the id of ``finding``."""
    return finding.id in settings.SILENCED_SYSTEM_CHECKS
