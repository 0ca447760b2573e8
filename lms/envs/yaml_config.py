"""Reading lms.yml: the operator's file, whose top-level keys become Django settings."""

import yaml
from django.core.exceptions import ImproperlyConfigured

PROTECTION = "PREVENT_CONCURRENT_LOGINS"


def read(path):
    """
    Return the mapping in the YAML file at ``path``.

    Raises ImproperlyConfigured, saying where and how to mend it, when there is no such file or no mapping in it.
    """
    if not path:
        raise ImproperlyConfigured("LMS_CFG is not set. Set this environment variable to the path of your lms.yml.")
    try:
        with open(path, encoding="utf-8") as file:
            config = yaml.safe_load(file)
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"LMS_CFG: {path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ImproperlyConfigured(f"{path} is not valid YAML: {error}") from error
    if config is None:
        return {}
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise ImproperlyConfigured(f"{path} must hold settings by name, one `NAME: value` for each.")
    return config


def merge_features(defaults, config):
    """
    Return the features of ``defaults`` with those of ``config`` laid over them.

    PREVENT_CONCURRENT_LOGINS may stand in ``config["FEATURES"]`` or at the top level, as on newer platforms.

    Raises ImproperlyConfigured when FEATURES is no mapping, the flag is not true or false, or the two places differ.
    """
    features = config.get("FEATURES") or {}
    if not isinstance(features, dict):
        raise ImproperlyConfigured(f"FEATURES must be a mapping of features to true or false, but it is {features!r}.")
    merged = {**defaults, **features}
    if PROTECTION in config:
        if features.get(PROTECTION, config[PROTECTION]) != config[PROTECTION]:
            raise ImproperlyConfigured(f"{PROTECTION} and FEATURES: {PROTECTION} contradict each other. Keep one.")
        merged[PROTECTION] = config[PROTECTION]
    if not isinstance(merged[PROTECTION], bool):
        raise ImproperlyConfigured(f"{PROTECTION} must be true or false, but it is {merged[PROTECTION]!r}.")
    return merged
