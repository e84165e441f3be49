"""Why a file could not be loaded."""


class CannotLoadError(Exception):
    """There is nothing here that could be checked; the message says why in one sentence, with the line."""
