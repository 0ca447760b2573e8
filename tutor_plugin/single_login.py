"""
A Tutor plugin: single login with exempt accounts. See "Install" in docs/operators.rst.

Faulty settings are refused in one message, before a file is rendered.

Disabling the plugin leaves its settings in config.yml. Remove them with ``tutor config save --unset NAME``.
"""

import shlex

import yaml
from tutor import env, hooks
from tutor.exceptions import TutorError

SETTINGS = {
    # What pip installs into the image: the URL of a wheel, or a git address.
    "SINGLE_LOGIN_REQUIREMENT": "",
    # Both are lists of names.
    "SINGLE_LOGIN_EXEMPT_USERNAMES": [],
    "SINGLE_LOGIN_EXEMPT_GROUPS": [],
    # Tutor turns the protection off. true turns it on, for every account; null leaves it as it is.
    "SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS": None,
    # The second level: check sessions at every request.
    "SINGLE_LOGIN_CHECK_EVERY_REQUEST": False,
}

# The wheel goes into the image of both. The settings go to the LMS alone: an account has one slot for LMS and Studio,
# and each login to one would evict the session in the other.
PATCHES = [
    ("openedx-dockerfile-post-python-requirements", "{{ SINGLE_LOGIN_REQUIREMENT | single_login_install }}"),
    ("lms-env", "{{ SINGLE_LOGIN_EXEMPT_USERNAMES | single_login_names('SINGLE_LOGIN_EXEMPT_USERNAMES') }}"),
    ("lms-env", "{{ SINGLE_LOGIN_EXEMPT_GROUPS | single_login_names('SINGLE_LOGIN_EXEMPT_GROUPS') }}"),
    # In lms.env.yml, which the platform reads before the plugin settings.
    ("lms-env", "{{ SINGLE_LOGIN_CHECK_EVERY_REQUEST | single_login_check }}"),
    ("openedx-lms-common-settings", "{{ SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS | single_login_protection }}"),
]

hooks.Filters.CONFIG_DEFAULTS.add_items(list(SETTINGS.items()))
hooks.Filters.ENV_PATCHES.add_items(PATCHES)

NO_REQUIREMENT = "SINGLE_LOGIN_REQUIREMENT is not set. Set it to the address of the wheel openedx_single_login."


def render_install_step(requirement):
    """Return the step of the Dockerfile that installs ``requirement``; without one, that step fails and says so."""
    if not isinstance(requirement, str) or "\n" in requirement:
        raise TutorError(f"SINGLE_LOGIN_REQUIREMENT must be one line of text, but it is {requirement!r}.")
    if not requirement:
        return f"RUN echo {shlex.quote(NO_REQUIREMENT)} >&2; exit 1"
    cache = "--mount=type=cache,target=/openedx/.cache/pip,sharing=shared"
    return f"RUN {cache} $PIP_COMMAND install {shlex.quote(requirement)}"


def render_names(value, setting):
    """Return the line of lms.env.yml that gives ``setting`` a list of names."""
    if value is not None and not isinstance(value, list):
        raise TutorError(f"""{setting} must be a list of names, such as '["xqueue"]', but it is {value!r}.""")
    for position, name in enumerate(value or [], start=1):
        if not isinstance(name, str) or not name:
            raise TutorError(
                f"{setting}: entry {position} is not a name. Put it in quotes as you mean it, or remove it."
            )
    # Not as JSON, which writes an emoji in a way that YAML reads as two half characters.
    names = yaml.safe_dump(value or [], default_flow_style=True, width=float("inf"))
    return f"{setting}: {names.rstrip()}"


def render_check(value):
    """Return the line of lms.env.yml that turns the check at every request on or off."""
    if not isinstance(value, bool):
        raise TutorError(f"SINGLE_LOGIN_CHECK_EVERY_REQUEST must be true or false, but it is {value!r}.")
    return f"SINGLE_LOGIN_CHECK_EVERY_REQUEST: {str(value).lower()}"


def render_protection(value):
    """Return the Python settings that turn the protection on or off, or none."""
    if value is None:
        return ""
    if not isinstance(value, bool):
        raise TutorError(f"SINGLE_LOGIN_PREVENT_CONCURRENT_LOGINS must be true, false or null, but it is {value!r}.")
    # Newer platforms read the first, older ones the second.
    return f'PREVENT_CONCURRENT_LOGINS = {value}\nFEATURES["PREVENT_CONCURRENT_LOGINS"] = {value}'


hooks.Filters.ENV_TEMPLATE_FILTERS.add_items(
    [
        ("single_login_install", render_install_step),
        ("single_login_names", render_names),
        ("single_login_check", render_check),
        ("single_login_protection", render_protection),
    ]
)

# The configuration that Tutor loaded last. Tutor asks for the targets when it is about to render it.
loaded = {}


@hooks.Actions.CONFIG_LOADED.add()
def keep_loaded_config(config):
    """Keep ``config`` for ``refuse_faults``. To refuse it here would stop every command, ``tutor local stop`` too."""
    loaded.clear()
    loaded.update(config)


@hooks.Filters.ENV_TEMPLATE_TARGETS.add()
def refuse_faults(targets):
    """Refuse a faulty setting before the first file is rendered, so that the environment stays as it was."""
    faults = [
        f"{name} is no setting of the plugin single_login, which has {', '.join(SETTINGS)}. "
        f"Remove it: tutor config save --unset {name}"
        for name in loaded
        if name.upper().replace("-", "_").startswith("SINGLE_LOGIN_") and name not in SETTINGS
    ]
    # Nothing is loaded while Tutor disables the plugin.
    for _, patch in PATCHES if loaded else []:
        try:
            env.render_str(loaded, patch)
        except TutorError as error:
            faults.append(str(error))
    if faults:
        raise TutorError("\n".join(faults))
    return targets
