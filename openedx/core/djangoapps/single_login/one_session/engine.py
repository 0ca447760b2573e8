"""
The session engine of the check at every request: the site's own store with the check.

``plugin_settings`` makes SESSION_ENGINE name this module. The platform imports it before its models are loaded.
"""

from .sessions import CheckedSession
from .site_store import site_store

_SiteStore = site_store()


class SessionStore(CheckedSession, _SiteStore):  # type: ignore[misc, valid-type]
    """The site's own session store, whose sessions load empty unless they are accepted."""

    # Django signs sessions with this name. With another one, nobody's session could be read.
    __qualname__ = _SiteStore.__qualname__
