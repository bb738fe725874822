"""Settings of tracking and of tear sheets: tracking.yaml and tear_sheets.yaml.

Here stand types, bounds and defaults only. What is logged stands in performance/tracking.py.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from quant_assets.settings_files import Block


def _word(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
        raise ValueError(f"must be letters, digits, _ and -, without a dot. Got {value!r} instead")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError(f"must be an address such as http://127.0.0.1:3000. Got {value!r} instead")
    return value.rstrip("/")


# A part of an experiment's name, whose parts are told apart by dots.
Word = Annotated[str, AfterValidator(_word)]
WebAddress = Annotated[str, AfterValidator(_address)]


class TrackingSettings(Block):
    """How backtests are logged to MLflow.

    Attributes:
        backtests: whether they are.
        project: first part of every experiment's name.
        team: a tag.
        dagster_url: address of the Dagster UI, for links from MLflow's runs.
        mlflow_url: address of MLflow's UI, for links to its runs; not needed where the tracking URI
            is a server.
        timeout_seconds: for how long a server or a locked database is waited for.
    """

    backtests: bool = True
    project: Word = "quant_assets"
    team: Word = "research"
    dagster_url: WebAddress = "http://127.0.0.1:3000"
    mlflow_url: WebAddress | None = None
    timeout_seconds: int = Field(5, ge=1, le=300)


class TearSheetSettings(Block):
    """What is made with each tear sheet.

    Attributes:
        quantstats: also QuantStats' own report, which takes 2 to 8 s.
        pdf: also a PDF.
        pages_url: where the artefacts are served, for links in the UI; `quant-assets ui` serves
            them and sets it itself.
    """

    quantstats: bool = False
    pdf: bool = False
    pages_url: WebAddress | None = None
