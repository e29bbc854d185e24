"""Failures that the command line prints as one line."""


class ExportError(Exception):
    """The export could not be done; the message says what was wrong and what to do. Exit code 1."""


class UsageError(Exception):
    """The command itself makes no sense. Exit code 2."""


class UnsupportedError(ExportError):
    """A tower or caption model that has no exporter yet."""
