"""Training: a planted signal is learned, permuted labels are not, the same bits come out again."""

import contextlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from lightgbm.callback import EarlyStopException

from quant_assets.models.datasets import TrainingSet, training_set
from quant_assets.models.errors import ParameterError
from quant_assets.models.labels import labels
from quant_assets.models.ranks import rank_ic
from quant_assets.models.trained import TrainedModel
from quant_assets.models.trees import MINIMUM_ROUNDS, _Watch, data_hash, train_lightgbm
from quant_assets.models.walk_forward import training_window
from quant_assets_tests.models.conftest import SETTINGS
from quant_assets_tests.models.synthetic import Tables

PARAMETERS = SETTINGS.parameters


def sets(tables: Tables, month: str = "2023-06", deal: int | None = None) -> TrainingSet:
    """The sets of a month; with `deal` as seed, the labels of each day are dealt out anew."""
    split = training_window(month, tables.sessions, 5, 5, 12, 3, 6)
    known = labels(tables.adjusted, tables.sessions, split.labels, 5)
    if deal is not None:
        random = np.random.default_rng(deal)
        value, dates = known["value"].to_numpy().copy(), known["date"].to_numpy()
        for day in np.unique(dates):
            value[dates == day] = random.permutation(value[dates == day])
        known = known.set_column(4, "value", pa.array(value))
    return training_set(tables.factors, known, tables.universe, split)


def out_of_sample(
    model: TrainedModel, tables: Tables, deal: int | None = None
) -> tuple[float, float]:
    """Mean rank IC of later labels, that do not overlap each other, and its standard error."""
    later = sets(tables, "2024-01", deal).validation
    assert later.dates[0] > np.datetime64(model.split.last_known)
    daily = rank_ic(model.predict(later.X), later.y, later.starts)[::5]
    return float(daily.mean()), float(daily.std(ddof=1) / np.sqrt(len(daily)))


def test_a_planted_signal_is_learned(planted: Tables, trained: TrainedModel) -> None:
    mean, error = out_of_sample(trained, planted)
    assert mean > 3 * error
    assert trained.metrics["validation_rank_ic"] > 0.1
    assert trained.metrics["train_rank_ic"] > trained.metrics["validation_rank_ic"] * 0.8
    assert max(trained.importance, key=lambda name: trained.importance[name]) == "f00"
    assert trained.importance["f00"] > 0.5
    assert sum(trained.importance.values()) == pytest.approx(1)


def test_permuted_labels_teach_nothing(planted: Tables) -> None:
    """The whole path from the label table on: a label leaked into a feature would be found."""
    ratios, shares = [], []
    for deal in range(6):
        model = train_lightgbm(sets(planted, deal=deal), PARAMETERS, 40)
        mean, error = out_of_sample(model, planted, deal)
        ratios.append(mean / error)
        shares.append(model.importance["f00"])
    # About standard normal each: the mean of six has the standard error 0.41.
    assert abs(np.mean(ratios)) < 3 * 0.41
    assert np.max(np.abs(ratios)) < 4
    assert np.mean(shares) < 0.35


def test_the_same_bits_come_out_again_whatever_the_threads(planted: Tables) -> None:
    data = sets(planted)
    first = train_lightgbm(data, PARAMETERS, 30, seed=3, thread_no=1)
    for threads in (1, 2):
        again = train_lightgbm(data, PARAMETERS, 30, seed=3, thread_no=threads)
        assert again.text == first.text
        assert again.history == first.history
        assert {**again.metrics, "seconds": 0} == {**first.metrics, "seconds": 0}
        assert again.data_hash == first.data_hash
    other = train_lightgbm(data, PARAMETERS, 30, seed=4)
    assert other.text != first.text


def test_the_record_says_what_was_done(planted: Tables, trained: TrainedModel) -> None:
    data = sets(planted)
    best = int(trained.metrics["best_iteration"])
    assert best >= MINIMUM_ROUNDS
    assert trained.history[best - 1] == max(trained.history[MINIMUM_ROUNDS - 1 :])
    assert len(trained.history) == min(40, best + 15)
    assert trained.booster.num_trees() == best
    assert trained.metrics["train_rows"] == len(data.train)
    assert trained.metrics["validation_days"] == len(trained.validation_rank_ic)
    # What was watched during training is what a reader computes from the saved model.
    scores = trained.predict(data.validation.X)
    daily = rank_ic(scores, data.validation.y, data.validation.starts)
    np.testing.assert_array_equal(daily, list(trained.validation_rank_ic.values()))
    assert trained.metrics["validation_rank_ic"] == daily.mean()
    assert trained.history[best - 1] == pytest.approx(daily.mean(), abs=1e-9)
    assert trained.metrics["validation_rank_icir"] == pytest.approx(
        daily.mean() / daily.std(ddof=1)
    )
    assert trained.data_hash == data_hash(data)
    assert trained.parameters["rounds"] == 40
    assert set(trained.versions) == {"python", "lightgbm", "numpy"}


def test_the_hash_of_the_data_sees_every_array(planted: Tables) -> None:
    data = sets(planted)
    hashes = {data_hash(data)}
    X, y = data.train.X.copy(), data.validation.y.copy()
    X[0, 0], y[-1] = 0.123, 0.123
    symbols = data.train.symbols.copy()
    symbols[5] = "other"
    hashes.add(data_hash(replace(data, train=replace(data.train, X=X))))
    hashes.add(data_hash(replace(data, validation=replace(data.validation, y=y))))
    hashes.add(data_hash(replace(data, train=replace(data.train, symbols=symbols))))
    hashes.add(data_hash(replace(data, train=replace(data.train, dates=data.train.dates + 1))))
    assert len(hashes) == 5


def test_without_early_stopping_all_rounds_are_run(planted: Tables) -> None:
    parameters = {k: v for k, v in PARAMETERS.items() if k != "early_stopping_round"}
    model = train_lightgbm(sets(planted), parameters, 60)
    assert len(model.history) == 60
    allowed = [0.0] * (MINIMUM_ROUNDS - 1) + list(model.history[MINIMUM_ROUNDS - 1 :])
    assert model.booster.num_trees() == int(np.argmax(allowed)) + 1


def test_the_best_round_is_not_one_of_the_first() -> None:
    def run(curve: list[float], patience: int) -> _Watch:
        watch = _Watch(patience)
        with contextlib.suppress(EarlyStopException):
            for value in curve:
                watch(SimpleNamespace(evaluation_result_list=[("v", "rank_ic", value, True)]))
        return watch

    falling = [1.0 - k / 100 for k in range(99)]
    assert (run(falling, 10).best, len(run(falling, 10).history)) == (20, 30)
    rising = falling[::-1]
    assert (run(rising, 10).best, len(run(rising, 10).history)) == (99, 99)
    peak = [abs(k - 24) * -1.0 for k in range(99)]
    assert (run(peak, 10).best, len(run(peak, 10).history)) == (25, 35)
    # The first of equal rounds is kept; a short training keeps its last round at the latest.
    assert run([0.0] * 99, 10).best == 20
    assert run(falling[:5], 10).best == 5


def test_data_without_anything_to_learn_give_a_model_that_says_so(planted: Tables) -> None:
    data = sets(planted)
    flat = replace(data, train=replace(data.train, X=np.zeros_like(data.train.X)))
    model = train_lightgbm(flat, PARAMETERS, 5)
    assert np.isnan(model.metrics["validation_rank_ic"])
    assert set(model.importance.values()) == {0.0}
    assert TrainedModel.from_record(model.to_record(), model.text).features == model.features


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"num_leafs": 3}, r"no parameter 'num_leafs'; did you mean 'num_leaf"),
        ({"zzz": 3}, "no parameter 'zzz'$"),
        ({"seed": 3}, "'seed' is not to be set"),
        ({"n_jobs": 3}, "'n_jobs' is not to be set"),
        ({"num_leaves": 3, "max_leaf": 4}, "'max_leaf' is given twice"),
    ],
)
def test_wrong_parameters_are_named(planted: Tables, parameters: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        train_lightgbm(sets(planted), parameters, 5)


def test_an_empty_window_is_refused(planted: Tables) -> None:
    data = sets(planted)
    empty = data.validation.within(data.split.train)
    with pytest.raises(ValueError, match="no validation rows for the model of 2023-06"):
        train_lightgbm(replace(data, validation=empty), PARAMETERS, 5)


def test_rows_of_another_width_are_refused(trained: TrainedModel) -> None:
    with pytest.raises(ValueError, match=r"\(rows, 5\) of the model of 2023-06. Got \(2, 3\)"):
        trained.predict(np.zeros((2, 3)))
    assert trained.predict(np.zeros((0, 5))).shape == (0,)
