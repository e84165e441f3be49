"""What ends a check without a verdict, in words."""


class CodeError(Exception):
    """The code under test did something that ends the check; the message says what, and where."""


class TimeIsUpError(CodeError):
    """The code under test has had all its time."""
