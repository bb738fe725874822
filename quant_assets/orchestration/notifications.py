"""Who is told of a failed run: a log line, a webhook, a mail, as notifications.yaml says.

Here is the run-failure sensor and how a message leaves; what failed is Dagster's to know.
"""

import json
import smtplib
import ssl
import urllib.request
from email.message import EmailMessage
from http.client import HTTPException
from typing import Any

import dagster as dg

from quant_assets.settings_notifiers import Email, Log, Notifier, Webhook

SECONDS = 10


def failure_sensor(notifiers: list[Notifier]) -> dg.SensorDefinition:
    """Tells every notifier of every failed run; one out of reach does not stop the rest."""

    @dg.run_failure_sensor(
        name="run_failures",
        description="Tells of failed runs: " + ", ".join(n.kind for n in notifiers),
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def run_failures(context: dg.RunFailureSensorContext) -> None:
        message = describe(context)
        for notifier in notifiers:
            try:
                notify(notifier, message, context.log)
            except (OSError, HTTPException, smtplib.SMTPException) as fault:
                context.log.error(f"the {notifier.kind} notifier could not be reached: {fault}")

    return run_failures


def describe(context: dg.RunFailureSensorContext) -> dict[str, Any]:
    """What is told of a failed run: its job, its partitions, its first error."""
    run = context.dagster_run
    steps = context.get_step_failure_events()
    errors = [
        {"step": event.step_key, "error": event.step_failure_data.error_display_string}
        for event in steps
    ]
    partitions = {k.removeprefix("dagster/"): v for k, v in run.tags.items() if "partition" in k}
    return {
        "run_id": run.run_id,
        "job": run.job_name,
        "partitions": partitions,
        "message": context.failure_event.message,
        "errors": errors,
    }


def notify(notifier: Notifier, message: dict[str, Any], log: Any) -> None:
    """Send one message.

    Raises:
        OSError: the webhook answered with an error or not at all, or the mail server did not.
        HTTPException: what the webhook answered is not HTTP.
        smtplib.SMTPException: the mail server refused.
    """
    title = f"run {message['run_id'][:8]} of {message['job']} failed"
    match notifier:
        case Log():
            log.error(f"{title}: {json.dumps(message)}")
        case Webhook():
            body = {"text": f"{title}: {message['message']}", **message}
            request = urllib.request.Request(
                notifier.url,
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=SECONDS):
                pass
        case Email():
            mail = EmailMessage()
            mail["Subject"], mail["From"] = f"quant_assets: {title}", notifier.sender
            mail["To"] = ", ".join(notifier.recipients)
            mail.set_content(json.dumps(message, indent=2))
            with smtplib.SMTP(notifier.host, notifier.port, timeout=SECONDS) as server:
                if notifier.starttls:
                    # Without a context of ours any certificate would do.
                    server.starttls(context=ssl.create_default_context())
                if notifier.user and notifier.password:
                    server.login(notifier.user, notifier.password)
                server.send_message(mail)
