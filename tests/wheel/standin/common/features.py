"""FEATURES as newer platforms have it."""

from collections.abc import MutableMapping


class Features(MutableMapping):
    """A mapping over the variables of the settings module in which it is made, and of no other module."""

    def __init__(self, variables):
        self.variables = variables

    def __getitem__(self, name):
        return self.variables[name]

    def __setitem__(self, name, value):
        self.variables[name] = value

    def __delitem__(self, name):
        del self.variables[name]

    def __iter__(self):
        return iter(self.variables)

    def __len__(self):
        return len(self.variables)

    def __repr__(self):
        return f"Features of {self.variables['__name__']}"
