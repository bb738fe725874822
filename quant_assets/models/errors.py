"""What can go wrong between factors and predictions, as types a caller can catch.

Belongs here: exception classes only. Each message says what is missing, where, and what to do.
"""


class ModelError(Exception):
    """Base of every error that the models raise on purpose."""


class NotEnoughHistoryError(ModelError, ValueError):
    """A month has too little history before it; `first_month` is the first that has enough.

    `first_month` ("YYYY-MM") is None when no month that the sessions reach has enough.
    """

    def __init__(self, message: str, *, month: str, first_month: str | None) -> None:
        super().__init__(message)
        self.month = month
        self.first_month = first_month


class TooFewRowsError(ModelError, ValueError):
    """A training or validation set has fewer rows than a model may be trained on."""


class DataSetError(ModelError, ValueError):
    """Factors, labels and universe do not fit together, or lack a column that a model needs."""


class ParameterError(ModelError, ValueError):
    """A training parameter that the library does not know, or that is not the user's to set."""


class MissingModelError(ModelError, LookupError):
    """There is no trained model for a month; `months` are those to materialize."""

    def __init__(self, message: str, *, months: tuple[str, ...]) -> None:
        super().__init__(message)
        self.months = months


class CorruptModelError(ModelError):
    """A stored model cannot be read: a file was altered, cut short or taken away."""
