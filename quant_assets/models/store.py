"""The store of trained models: files that any number of processes may read and write.

Belongs here: which files a model has and how they are replaced. Not here: what a model is
(trained.py), where files lie (artifacts.py).

`models/<market>/<model>/<YYYY-MM>/model.json` is the record; it names the file beside it that holds
the model's text (`model-<hash>.txt`, LightGBM's native format) and its SHA-256. The text is written
first, under a name of its own content, and the record is replaced last in one step: at any moment,
also after a kill, a reader finds the old model whole or the new one whole.
"""

import hashlib
import json
import re
from collections.abc import Iterable

from quant_assets.artifacts import Artifacts
from quant_assets.models.errors import CorruptModelError, MissingModelError
from quant_assets.models.trained import TrainedModel
from quant_assets.models.walk_forward import MONTH, month_name, month_number
from quant_assets.warehouse.window import Window

FOLDER = "models"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
RECORD = "model.json"
TEXT = re.compile(r"model-[0-9a-f]+\.txt")
FORMAT = 1
# A reader that loses the race against a writer looks again; each time a newer model is there.
ATTEMPTS = 5


class ModelStore:
    """Trained models among the artefacts of a platform."""

    def __init__(self, artifacts: Artifacts) -> None:
        self.artifacts = artifacts

    def folder(self, market: str, model: str, month: str) -> str:
        """The folder of a month's model; ValueError for a name that is not a plain one."""
        return f"{_folder(market, model)}/{month_name(month_number(month))}"

    def save(self, market: str, model: str, trained: TrainedModel) -> str:
        """Store a model under its month, in place of the one that was there; its address."""
        folder = self.folder(market, model, trained.month)
        content = trained.text.encode()
        digest = hashlib.sha256(content).hexdigest()
        text = f"model-{digest[:16]}.txt"
        record = {"format": FORMAT, "text": text, "sha256": digest, **trained.to_record()}
        self.artifacts.put(f"{folder}/{text}", content)
        self.artifacts.put(f"{folder}/{RECORD}", json.dumps(record, indent=1, allow_nan=False))
        for name in self.artifacts.names(folder):
            if TEXT.fullmatch(name.rpartition("/")[2]) and name != f"{folder}/{text}":
                self.artifacts.remove(name)
        return self.artifacts.address(folder)

    def load(self, market: str, model: str, month: str) -> TrainedModel:
        """The model of a month.

        Raises:
            MissingModelError: there is none; it names the asset and the month to materialize.
            CorruptModelError: its files do not fit together.
        """
        folder = self.folder(market, model, month)
        for _ in range(ATTEMPTS):
            try:
                record = json.loads(self.artifacts.get(f"{folder}/{RECORD}"))
            except FileNotFoundError:
                raise _missing(market, model, (month,), self.months(market, model)) from None
            except ValueError as error:
                raise self._corrupt(folder, market, model, month, str(error)) from None
            try:
                content = self.artifacts.get(f"{folder}/{record['text']}")
            except FileNotFoundError:
                continue  # replaced between the two reads: the record names another text now
            if hashlib.sha256(content).hexdigest() != record["sha256"]:
                raise self._corrupt(folder, market, model, month, f"{record['text']} was altered")
            return TrainedModel.from_record(record, content.decode())
        raise self._corrupt(
            folder, market, model, month, "the text that the record names is not there"
        )

    def months(self, market: str, model: str) -> list[str]:
        """The months that have a model, ascending."""
        folder = _folder(market, model)
        found = (name.removeprefix(f"{folder}/") for name in self.artifacts.names(folder))
        months = (name.removesuffix(f"/{RECORD}") for name in found if name.endswith(f"/{RECORD}"))
        return sorted(month for month in months if MONTH.fullmatch(month))

    def load_window(
        self, market: str, model: str, window: Window, models_from: str
    ) -> dict[str, TrainedModel]:
        """The models of all months that a window touches, from `models_from` ("YYYY-MM") on.

        Raises:
            MissingModelError: naming all months that lack one.
        """
        first = max(month_number(models_from), month_number(f"{window.start:%Y-%m}"))
        wanted = [month_name(n) for n in range(first, month_number(f"{window.end:%Y-%m}") + 1)]
        there = self.months(market, model)
        absent = tuple(month for month in wanted if month not in there)
        if absent:
            raise _missing(market, model, absent, there)
        return {month: self.load(market, model, month) for month in wanted}

    def _corrupt(
        self, folder: str, market: str, model: str, month: str, why: str
    ) -> CorruptModelError:
        return CorruptModelError(
            f"{self.artifacts.address(f'{folder}/{RECORD}')}: {why}; "
            f"materialize {market}/model_{model} for {month} again"
        )


def _folder(market: str, model: str) -> str:
    for name in (market, model):
        if not NAME.fullmatch(name):
            raise ValueError(f"a market or model must have a plain name. Got {name!r} instead")
    return f"{FOLDER}/{market}/{model}"


def _missing(
    market: str, model: str, months: tuple[str, ...], there: Iterable[str]
) -> MissingModelError:
    known = list(there)
    have = f"there are {len(known)}, {known[0]} to {known[-1]}" if known else "there is none yet"
    return MissingModelError(
        f"no trained model {model!r} of market {market!r} for {', '.join(months)} ({have}): "
        f"materialize {market}/model_{model} for these months",
        months=months,
    )
