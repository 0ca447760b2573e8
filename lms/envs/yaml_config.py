"""Reading lms.yml: the operator's file, whose top-level keys become Django settings."""

import yaml
from django.core.exceptions import ImproperlyConfigured

from openedx.core.djangoapps.single_login.exemptions import GROUPS, PROTECTION, SQUELCH, USERNAMES


class BareWord:
    """What stands in an exemption and YAML does not read as text: the refusal quotes what the file says."""

    def __init__(self, value, node):
        self.value = value
        self.node = node

    def __repr__(self):
        return f"{self.node.value} in line {self.node.start_mark.line + 1}, which YAML reads as {self.value!r}"


def read(path):
    """
    Return the mapping in the YAML file at ``path``.

    Raises ImproperlyConfigured, saying where and how to mend it, when there is no such file, no mapping in it, or a key
    that stands twice in one mapping.
    """
    if not path:
        raise ImproperlyConfigured("LMS_CFG is not set. Set this environment variable to the path of your lms.yml.")
    try:
        with open(path, encoding="utf-8") as file:
            config, root, repeated = _load(yaml.SafeLoader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"LMS_CFG: {path} cannot be read: {error}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ImproperlyConfigured(f"{path} is not valid YAML: {error}") from error
    if config is None:
        return {}
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise ImproperlyConfigured(f"{path} must hold settings by name, one `NAME: value` for each.")
    if repeated:
        raise ImproperlyConfigured("\n".join(f"{path}: {key}. YAML keeps only the last: keep one." for key in repeated))
    for key, node in root.value:
        if key.value in (USERNAMES, GROUPS):
            config[key.value] = _as_written(config[key.value], node)
    return config


def merge_features(defaults, config):
    """
    Return the features of ``defaults`` with those of ``config`` laid over them.

    A flag of single login may stand in ``config["FEATURES"]`` or at the top level, as on newer platforms. Whether it is
    true or false, and FEATURES a mapping, is for single login to check, on every platform.

    Raises ImproperlyConfigured when the two places differ.
    """
    features = {} if config.get("FEATURES") is None else config["FEATURES"]
    if not isinstance(features, dict):
        return features
    flat = {flag: config[flag] for flag in (PROTECTION, SQUELCH) if flag in config}
    for flag, value in flat.items():
        if features.get(flag, value) != value:
            raise ImproperlyConfigured(f"{flag} and FEATURES: {flag} contradict each other. Keep one.")
    return {**defaults, **features, **flat}


def _load(loader):
    """Return what the YAML holds, its root node, and a description of each key that stands twice."""
    root = loader.get_single_node()
    # Before the values are made: that folds in what ``<<`` merges, which a key may well replace.
    repeated = list(_find_repeated(root, set()))
    return (None if root is None else loader.construct_document(root)), root, repeated


def _find_repeated(node, seen):
    if node is None or isinstance(node, yaml.ScalarNode) or id(node) in seen:
        return
    seen.add(id(node))
    lines = {}
    for child in node.value:
        key, value = child if isinstance(node, yaml.MappingNode) else (None, child)
        # What is merged may be named several times.
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            line = key.start_mark.line + 1
            if key.value in lines:
                yield f"{key.value} stands twice, in lines {lines[key.value]} and {line}"
            lines[key.value] = line
        yield from _find_repeated(value, seen)


def _as_written(value, node):
    if isinstance(node, yaml.SequenceNode):
        return [_as_written(*entry) for entry in zip(value, node.value, strict=True)]
    is_text = isinstance(value, str) or not isinstance(node, yaml.ScalarNode) or not node.value
    return value if is_text else BareWord(value, node)
