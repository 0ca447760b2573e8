"""Read lms.yml, the operator's file: its top-level keys in upper case become Django settings."""

import yaml
from django.core.checks import Tags, Warning, register  # noqa: A004
from django.core.exceptions import ImproperlyConfigured

from openedx.core.djangoapps.single_login.exemptions import PREFIX, PROTECTION, SQUELCH, find_faults

FLAGS = (PROTECTION, SQUELCH)
MERGE_TAG = "tag:yaml.org,2002:merge"

# The top-level keys that the last read() did not take, for check_keys().
ignored_keys = []


class Loader(yaml.SafeLoader):
    """
    Loads YAML safely, and collects what the loaded data do not show.

    These are the keys that stand twice in one mapping, of which YAML keeps only the last, and the places of the values
    that another part of the file repeats with an alias (``*name``).
    """

    def __init__(self, stream):
        super().__init__(stream)
        self.repeated_keys = []
        self.aliased = set()

    def compose_node(self, parent, index):
        """Return the next node. An alias gives the node of its anchor."""
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        if is_alias:
            self.aliased.add(node.start_mark.index)
        return node

    def compose_mapping_node(self, anchor):
        """Return the mapping as the file has it. Later, keys merged with ``<<`` are added, and may repeat others."""
        node = super().compose_mapping_node(anchor)
        lines = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE_TAG:
                name, line = self.construct_object(key), key.start_mark.line + 1
                if name in lines:
                    self.repeated_keys.append(f"{key.value} stands twice, in lines {lines[name]} and {line}")
                lines[name] = line
        return node

    def find_anchor_keys(self, root):
        """Return the keys of ``root`` whose values have an anchor that is used somewhere."""
        return {
            key.value
            for key, value in root.value
            if any(key.end_mark.index <= place < value.end_mark.index for place in self.aliased)
        }


def read(path):
    """
    Return the settings in the YAML file at ``path``, and put its other keys into ``ignored_keys``.

    A key that is not in upper case and only carries an anchor is in neither. A key that begins as the settings of
    single_login do, in any case, is returned: the app reports it if it is not a setting.

    Raises ImproperlyConfigured if the file cannot be read, holds no mapping, or has a key that stands twice. The
    message says where and how to correct it.
    """
    if not path:
        raise ImproperlyConfigured("LMS_CFG is not set. Set this environment variable to the path of your lms.yml.")
    try:
        with open(path, encoding="utf-8") as file:
            loader = Loader(file)
            root = loader.get_single_node()
            config = None if root is None else loader.construct_document(root)
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"LMS_CFG: {path} cannot be read: {error}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ImproperlyConfigured(f"{path} is not valid YAML: {error}") from error
    except RecursionError as error:
        raise ImproperlyConfigured(f"{path} is nested too deeply.") from error
    if config is None:
        config = {}
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise ImproperlyConfigured(f"{path} must hold settings by name, one `NAME: value` for each.")
    if loader.repeated_keys:
        faults = [f"{path}: {fault}. YAML keeps only the last: keep one." for fault in loader.repeated_keys]
        raise ImproperlyConfigured("\n".join(faults))
    # Django takes the upper-case names of a settings module. A lower-case one could replace its other variables.
    anchors = loader.find_anchor_keys(root) if config else set()
    others = [key for key in config if not key.isupper() and key not in anchors]
    meant_for_us = {key for key in others if key.upper().startswith(PREFIX)}
    ignored_keys[:] = [key for key in others if key not in meant_for_us]
    return {key: value for key, value in config.items() if key.isupper() or key in meant_for_us}


def merge_features(defaults, config):
    """
    Return the feature flags: ``defaults``, then ``config["FEATURES"]``, then the flags at the top level of ``config``.

    Newer platforms set the two flags of single login at the top level.

    Raises ImproperlyConfigured if FEATURES is not a mapping, or if a flag is neither true nor false or has two values.
    The message also has the faults in the settings of single_login, so that one start shows all of them.
    """
    features = config.get("FEATURES")
    if features is None:
        features = {}
    faults = [*_find_faults_in_features(features, config), *find_faults(config)]
    if faults:
        raise ImproperlyConfigured("\n".join(faults))
    return {**defaults, **features, **{flag: config[flag] for flag in FLAGS if flag in config}}


def _find_faults_in_features(features, config):
    if not isinstance(features, dict):
        yield f"FEATURES must be a mapping, such as FEATURES: {{{PROTECTION}: true}}, but it is {features!r}."
        features = {}
    for flag in FLAGS:
        values = [place[flag] for place in (config, features) if flag in place]
        if any(not isinstance(value, bool) for value in values):
            described = " and ".join("null" if value is None else repr(value) for value in values)
            yield f"{flag} must be true or false, but it is {described}. Write it without quotes."
        elif len(set(values)) > 1:
            yield f"{flag} and FEATURES: {flag} contradict each other. Keep one."


@register(Tags.security)
def check_keys(**kwargs):
    """Report ``lms.W001``: a top-level key of lms.yml that is not a setting, because it is not in upper case."""
    return [
        Warning(
            f'lms.yml: "{key}" is not a setting: only upper-case names are read.',
            hint=f"If it is meant as a setting, write {key.upper()}. Otherwise remove it.",
            id="lms.W001",
        )
        for key in ignored_keys
    ]
