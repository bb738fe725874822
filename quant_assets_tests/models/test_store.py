"""The store: what goes in comes out, and no fault or kill leaves half a model."""

import errno
import json
import os
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from quant_assets.artifacts import LocalArtifacts
from quant_assets.models.errors import CorruptModelError, MissingModelError
from quant_assets.models.store import ModelStore
from quant_assets.models.trained import TrainedModel
from quant_assets.warehouse.window import Window


def files(store: ModelStore) -> set[str]:
    root = Path(store.artifacts.address(""))
    return {path.name for path in root.rglob("*") if path.is_file()}


def month(trained: TrainedModel, name: str) -> TrainedModel:
    return replace(trained, split=replace(trained.split, month=name))


def other(trained: TrainedModel) -> TrainedModel:
    """A second model of the same month."""
    return replace(trained, text=trained.text + "\n", metrics={**trained.metrics, "train_rows": 7})


def test_a_model_comes_back_as_it_was(trained: TrainedModel, tmp_path: Path) -> None:
    store = ModelStore(LocalArtifacts(tmp_path))
    folder = Path(store.save("us", "lightgbm", trained))
    assert folder == tmp_path / "models" / "us" / "lightgbm" / "2023-06"
    assert store.load("us", "lightgbm", "2023-06") == trained
    record = json.loads((folder / "model.json").read_text())
    assert record["split"]["month"] == "2023-06"
    assert (folder / record["text"]).read_text() == trained.text
    assert len(files(store)) == 2


def test_saving_again_replaces_and_leaves_nothing(trained: TrainedModel, tmp_path: Path) -> None:
    store = ModelStore(LocalArtifacts(tmp_path))
    for model in (trained, other(trained)):
        store.save("us", "lightgbm", model)
        assert store.load("us", "lightgbm", "2023-06") == model
    assert len(files(store)) == 2


def test_undefined_metrics_survive(trained: TrainedModel, tmp_path: Path) -> None:
    nothing = replace(
        trained,
        metrics={**trained.metrics, "validation_rank_ic": float("nan")},
        validation_rank_ic={"2023-03-01": float("nan")},
    )
    ModelStore(LocalArtifacts(tmp_path)).save("us", "lightgbm", nothing)
    found = ModelStore(LocalArtifacts(tmp_path)).load("us", "lightgbm", "2023-06")
    assert str(found.metrics) == str(nothing.metrics)
    assert str(found.validation_rank_ic) == str(nothing.validation_rank_ic)


@pytest.mark.parametrize("failing", [1, 2])
def test_a_full_disk_leaves_the_old_model_whole(
    trained: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    store = ModelStore(LocalArtifacts(tmp_path))
    store.save("us", "lightgbm", trained)
    calls = 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        store.save("us", "lightgbm", other(trained))
    monkeypatch.undo()
    assert store.load("us", "lightgbm", "2023-06") == trained
    assert not [name for name in files(store) if name.startswith(".")]
    store.save("us", "lightgbm", other(trained))
    assert len(files(store)) == 2


@pytest.mark.parametrize("replaced", [0, 1])
def test_a_kill_between_any_two_steps_leaves_the_old_model_whole(
    trained: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: int
) -> None:
    store = ModelStore(LocalArtifacts(tmp_path))
    store.save("us", "lightgbm", trained)
    done, whole = 0, Path.replace

    def killed(self: Path, target: Path) -> Path:
        nonlocal done
        if done == replaced:
            raise KeyboardInterrupt
        done += 1
        return whole(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.save("us", "lightgbm", other(trained))
    assert store.load("us", "lightgbm", "2023-06") == trained


def test_readers_and_writers_at_once_see_whole_models(
    trained: TrainedModel, tmp_path: Path
) -> None:
    store, models = ModelStore(LocalArtifacts(tmp_path)), [trained, other(trained)]
    store.save("us", "lightgbm", trained)
    stop, seen = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            seen.append(store.load("us", "lightgbm", "2023-06") in models)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(60):
        store.save("us", "lightgbm", models[turn % 2])
    stop.set()
    reader.join()
    assert seen
    assert all(seen)


def test_a_missing_month_says_what_to_materialize(trained: TrainedModel, tmp_path: Path) -> None:
    store = ModelStore(LocalArtifacts(tmp_path))
    with pytest.raises(
        MissingModelError, match=r"there is none yet.*materialize us/model_lightgbm"
    ):
        store.load("us", "lightgbm", "2023-06")
    store.save("us", "lightgbm", trained)
    store.save("us", "lightgbm", month(trained, "2023-08"))
    assert store.months("us", "lightgbm") == ["2023-06", "2023-08"]
    window = Window(date(2023, 5, 1), date(2023, 9, 1))
    with pytest.raises(MissingModelError, match=r"for 2023-07, 2023-09 \(there are 2") as raised:
        store.load_window("us", "lightgbm", window, "2023-06")
    assert raised.value.months == ("2023-07", "2023-09")
    found = store.load_window(
        "us", "lightgbm", Window(date(2023, 5, 1), date(2023, 6, 9)), "2023-06"
    )
    assert found == {"2023-06": trained}
    assert (
        store.load_window("us", "lightgbm", Window(date(2023, 1, 1), date(2023, 2, 1)), "2023-06")
        == {}
    )


def test_altered_files_are_noticed(trained: TrainedModel, tmp_path: Path) -> None:
    store = ModelStore(LocalArtifacts(tmp_path))
    folder = Path(store.save("us", "lightgbm", trained))
    (text,) = folder.glob("model-*.txt")
    text.write_text(trained.text[:-100])
    with pytest.raises(CorruptModelError, match="was altered; materialize us/model_lightgbm"):
        store.load("us", "lightgbm", "2023-06")
    text.unlink()
    with pytest.raises(CorruptModelError, match="that the record names is not there"):
        store.load("us", "lightgbm", "2023-06")
    (folder / "model.json").write_text("{")
    with pytest.raises(CorruptModelError, match=r"model\.json: Expecting"):
        store.load("us", "lightgbm", "2023-06")


@pytest.mark.parametrize("name", ["..", "a/b", "", ".hidden"])
def test_names_that_are_no_plain_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="plain name"):
        ModelStore(LocalArtifacts(tmp_path)).folder("us", name, "2024-01")
    with pytest.raises(ValueError, match="YYYY-MM"):
        ModelStore(LocalArtifacts(tmp_path)).folder("us", "lightgbm", "../2024")
