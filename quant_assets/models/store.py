"""The store of trained models: a folder of files that any number of processes may read and write.

Belongs here: where the files lie and how they are replaced. Not here: what a model is (trained).

`<root>/<market>/<model>/<YYYY-MM>/model.json` is the record; it names the file beside it that holds
the model's text (`model-<hash>.txt`, LightGBM's native format) and its SHA-256. The text is written
first, under a name of its own content, and the record is replaced last in one step: at any moment,
also after a kill, a reader finds the old model whole or the new one whole.
"""

import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterable
from pathlib import Path

from quant_assets.models.errors import CorruptModelError, MissingModelError
from quant_assets.models.trained import TrainedModel
from quant_assets.models.walk_forward import MONTH, month_name, month_number
from quant_assets.warehouse.window import Window

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
RECORD = "model.json"
FORMAT = 1
# A reader that loses the race against a writer looks again; each time a newer model is there.
ATTEMPTS = 5


class ModelStore:
    """Trained models under a local folder."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def folder(self, market: str, model: str, month: str) -> Path:
        """The folder of a month's model; ValueError for a name that is not a plain one."""
        for name in (market, model):
            if not NAME.fullmatch(name):
                raise ValueError(f"a market or model must have a plain name. Got {name!r} instead")
        return self.root / market / model / month_name(month_number(month))

    def save(self, market: str, model: str, trained: TrainedModel) -> Path:
        """Store a model under its month, in place of the one that was there; its folder."""
        folder = self.folder(market, model, trained.month)
        folder.mkdir(parents=True, exist_ok=True)
        content = trained.text.encode()
        digest = hashlib.sha256(content).hexdigest()
        text = f"model-{digest[:16]}.txt"
        record = {"format": FORMAT, "text": text, "sha256": digest, **trained.to_record()}
        _replace(folder / text, content)
        _replace(folder / RECORD, json.dumps(record, indent=1, allow_nan=False).encode())
        for other in folder.glob("model-*.txt"):
            if other.name != text:
                other.unlink(missing_ok=True)
        return folder

    def load(self, market: str, model: str, month: str) -> TrainedModel:
        """The model of a month.

        Raises:
            MissingModelError: there is none; it names the asset and the month to materialize.
            CorruptModelError: its files do not fit together.
        """
        folder = self.folder(market, model, month)
        for _ in range(ATTEMPTS):
            try:
                record = json.loads((folder / RECORD).read_bytes())
            except FileNotFoundError:
                raise _missing(market, model, (month,), self.months(market, model)) from None
            except ValueError as error:
                raise _corrupt(folder, market, model, month, str(error)) from None
            try:
                content = (folder / record["text"]).read_bytes()
            except FileNotFoundError:
                continue  # replaced between the two reads: the record names another text now
            if hashlib.sha256(content).hexdigest() != record["sha256"]:
                raise _corrupt(folder, market, model, month, f"{record['text']} was altered")
            return TrainedModel.from_record(record, content.decode())
        raise _corrupt(folder, market, model, month, "the text that the record names is not there")

    def months(self, market: str, model: str) -> list[str]:
        """The months that have a model, ascending."""
        parent = self.root / market / model
        if not parent.is_dir():
            return []
        return sorted(
            entry.name
            for entry in parent.iterdir()
            if MONTH.fullmatch(entry.name) and (entry / RECORD).is_file()
        )

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


def _replace(path: Path, content: bytes) -> None:
    """Write beside and rename into place; what could not be written leaves nothing behind."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


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


def _corrupt(folder: Path, market: str, model: str, month: str, why: str) -> CorruptModelError:
    return CorruptModelError(
        f"{folder / RECORD}: {why}; materialize {market}/model_{model} for {month} again"
    )
