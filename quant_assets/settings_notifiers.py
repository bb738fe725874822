"""Settings of notifiers: who is told of a failed run, and by which way.

How a message is sent stands in `orchestration/notifications.py`.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from quant_assets.settings_files import Block


class Webhook(Block):
    """A failed run is posted as JSON to a URL."""

    kind: Literal["webhook"]
    url: str = Field(repr=False)

    @field_validator("url")
    @classmethod
    def _over_http(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            # An address of this kind is often a secret: it is not shown.
            raise ValueError("must begin with https:// or http://. Got something else instead")
        return value


class Email(Block):
    """A failed run is mailed through an SMTP server; user and password come from `${…}`."""

    kind: Literal["email"]
    host: str
    port: int = 587
    sender: str
    recipients: list[str] = Field(min_length=1)
    user: str | None = None
    password: str | None = Field(None, repr=False)
    starttls: bool = True


class Log(Block):
    """A failed run is written to the daemon's log."""

    kind: Literal["log"]


Notifier = Annotated[Webhook | Email | Log, Field(discriminator="kind")]


class Notifications(Block):
    """Who is told of a failed run."""

    notifiers: list[Notifier] = []
