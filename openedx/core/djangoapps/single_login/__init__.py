"""One session per account, for every account that is not exempt."""

__version__ = "1.0.0"
