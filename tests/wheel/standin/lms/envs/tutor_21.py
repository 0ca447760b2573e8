"""
As Tutor 21.0.0 to 21.0.9 and 22.0.0 to 22.0.2 write it on top of ``mapped``.

FEATURES is the mapping over the module ``mapped``. So it says that the protection is off, and the name at the top level
of this module, which was imported before, says that it is on.
"""

from lms.envs.mapped import *  # noqa: F403

FEATURES["PREVENT_CONCURRENT_LOGINS"] = False  # noqa: F405
