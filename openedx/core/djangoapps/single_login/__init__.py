"""One session per account, for every account that is not exempt."""
