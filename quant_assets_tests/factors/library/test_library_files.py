"""The library files: complete, computable, and as printed wherever they do not say otherwise."""

import math
import re
from pathlib import Path

import pytest

from quant_assets.factors import library
from quant_assets.factors.catalogue import Catalogue, Library, built_in
from quant_assets.factors.expressions import fields
from quant_assets.factors.expressions.graph import Graph
from quant_assets.factors.expressions.parser import parse
from quant_assets.factors.expressions.tree import (
    Binary,
    Call,
    Conditional,
    Name,
    Node,
    Number,
    Unary,
)

CATALOGUE = Catalogue(built_in())
PRINTED = {"alpha101": "alpha101.txt", "gtja191": "gtja191.txt"}  # line k prints formula k
WINDOWS = (5, 10, 20, 30, 60)
Plain = tuple["Plain | str | float", ...]

# qlib's definitions in its own notation; %d is the window.
CANDLE = {
    "KMID": "($close-$open)/$open",
    "KLEN": "($high-$low)/$open",
    "KMID2": "($close-$open)/($high-$low+1e-12)",
    "KUP": "($high-Greater($open, $close))/$open",
    "KUP2": "($high-Greater($open, $close))/($high-$low+1e-12)",
    "KLOW": "(Less($open, $close)-$low)/$open",
    "KLOW2": "(Less($open, $close)-$low)/($high-$low+1e-12)",
    "KSFT": "(2*$close-$high-$low)/$open",
    "KSFT2": "(2*$close-$high-$low)/($high-$low+1e-12)",
    "OPEN0": "$open/$close",
    "HIGH0": "$high/$close",
    "LOW0": "$low/$close",
    "VWAP0": "$vwap/$close",
}
GAINS = "Sum(Greater({0}-Ref({0}, 1), 0), %d)"
LOSSES = "Sum(Greater(Ref({0}, 1)-{0}, 0), %d)"
MOVES = "(Sum(Abs({0}-Ref({0}, 1)), %d)+1e-12)"
TURN = "Abs($close/Ref($close, 1)-1)*$volume"
ROLLING = {
    "ROC": "Ref($close, %d)/$close",
    "MA": "Mean($close, %d)/$close",
    "STD": "Std($close, %d)/$close",
    "BETA": "Slope($close, %d)/$close",
    "RSQR": "Rsquare($close, %d)",
    "RESI": "Resi($close, %d)/$close",
    "MAX": "Max($high, %d)/$close",
    "MIN": "Min($low, %d)/$close",
    "QTLU": "Quantile($close, %d, 0.8)/$close",
    "QTLD": "Quantile($close, %d, 0.2)/$close",
    "RANK": "Rank($close, %d)",
    "RSV": "($close-Min($low, %d))/(Max($high, %d)-Min($low, %d)+1e-12)",
    "IMAX": "IdxMax($high, %d)/%d",
    "IMIN": "IdxMin($low, %d)/%d",
    "IMXD": "(IdxMax($high, %d)-IdxMin($low, %d))/%d",
    "CORR": "Corr($close, Log($volume+1), %d)",
    "CORD": "Corr($close/Ref($close, 1), Log($volume/Ref($volume, 1)+1), %d)",
    "CNTP": "Mean($close>Ref($close, 1), %d)",
    "CNTN": "Mean($close<Ref($close, 1), %d)",
    "CNTD": "Mean($close>Ref($close, 1), %d)-Mean($close<Ref($close, 1), %d)",
    "SUMP": f"{GAINS}/{MOVES}".format("$close"),
    "SUMN": f"{LOSSES}/{MOVES}".format("$close"),
    "SUMD": f"({GAINS}-{LOSSES})/{MOVES}".format("$close"),
    "VMA": "Mean($volume, %d)/($volume+1e-12)",
    "VSTD": "Std($volume, %d)/($volume+1e-12)",
    "WVMA": f"Std({TURN}, %d)/(Mean({TURN}, %d)+1e-12)",
    "VSUMP": f"{GAINS}/{MOVES}".format("$volume"),
    "VSUMN": f"{LOSSES}/{MOVES}".format("$volume"),
    "VSUMD": f"({GAINS}-{LOSSES})/{MOVES}".format("$volume"),
}
QLIB_OPERATORS = {
    "abs": "abs",
    "corr": "ts_corr",
    "greater": "max",
    "idxmax": "ts_max_position",
    "idxmin": "ts_min_position",
    "less": "min",
    "log": "log",
    "max": "ts_max",
    "mean": "ts_mean",
    "min": "ts_min",
    "quantile": "ts_percentile",
    "rank": "ts_rank",
    "ref": "ts_delay",
    "resi": "ts_residual",
    "rsquare": "ts_rsquare",
    "slope": "ts_slope",
    "std": "ts_std_dev",
    "sum": "ts_sum",
}


def plain(text: str, operators: dict[str, str] | None = None) -> Plain:
    """The tree of a formula with assigned values put in, names canonical, in lower case."""
    program = parse(text)
    values: dict[str, Plain] = {}

    def of(node: Node) -> Plain:
        match node:
            case Number(value=value):
                return ("number", value)
            case Name():
                return values.get(node.key, (fields.canonical(node.name) or node.key,))
            case Call():
                assert not node.keywords
                name = operators[node.key] if operators else node.key
                return (f"{name}()", *map(of, node.arguments))
            case Unary(sign=sign, operand=operand):
                return (sign, of(operand))
            case Binary(sign=sign, left=left, right=right):
                return (sign, of(left), of(right))
            case Conditional(condition=condition, yes=yes, no=no):
                return ("?", of(condition), of(yes), of(no))
        raise AssertionError(f"a formula must not hold {node!r}")

    for statement in program.statements:
        values[statement.key] = of(statement.value)
    return of(program.value)


def squeezed(text: str) -> str:
    return "".join(text.split()).upper()


def numbered(name: str, count: int) -> list[str]:
    return [f"{name}_{k:03d}" for k in range(1, count + 1)]


def printed(test_data: Path, name: str) -> dict[str, str]:
    """The name of every formula of a library -> its printed text."""
    file = test_data / "wq_brain" / "expressions" / PRINTED[name]
    lines = file.read_text("utf-8").splitlines()
    return dict(zip(numbered(name, len(lines)), lines, strict=True))


def page_rows() -> list[list[str]]:
    """The cells of ALPHA101.md's table of formulas."""
    text = (Path(library.__file__).parent / "ALPHA101.md").read_text("utf-8")
    lines = text.split("## The formulas")[1].splitlines()
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("|")]
    return [[cell.strip().replace(r"\|", "|") for cell in row] for row in cells[2:]]


def names_of(of: Library) -> list[str]:
    return [factor.name for factor in of.factors]


@pytest.mark.parametrize("name", CATALOGUE.names)
def test_every_formula_can_be_bound(name: str) -> None:
    graph = Graph()
    for factor in CATALOGUE.library(name).factors:
        assert graph.add(factor.formula) < len(graph.nodes), factor.name


def test_the_101_formulas_are_all_there() -> None:
    assert names_of(CATALOGUE.library("alpha101")) == numbered("alpha101", 101)
    assert not CATALOGUE.library("alpha101").excluded


def test_the_191_formulas_are_there_or_excluded_with_a_reason() -> None:
    gtja191 = CATALOGUE.library("gtja191")
    excluded = {each.name: each for each in gtja191.excluded}
    assert set(excluded) == {"gtja191_030", "gtja191_143"}
    left = [name for name in numbered("gtja191", 191) if name not in excluded]
    assert names_of(gtja191) == left
    assert all(each.reason.endswith(".") for each in excluded.values())


def test_the_158_factors_are_those_of_qlibs_default_configuration() -> None:
    rolling = [f"{name}{d}" for name in ROLLING for d in WINDOWS]
    expected = [f"alpha158_{name.lower()}" for name in (*CANDLE, *rolling)]
    assert names_of(CATALOGUE.library("alpha158")) == expected
    assert len(expected) == 158


@pytest.mark.parametrize("name", [*CANDLE, *ROLLING])
def test_alpha158_is_what_qlib_defines(name: str) -> None:
    for d in WINDOWS if name in ROLLING else ("",):
        text = ROLLING[name].replace("%d", str(d)) if name in ROLLING else CANDLE[name]
        factor = CATALOGUE.factor(f"alpha158_{name.lower()}{d}")
        assert plain(factor.formula) == plain(text.replace("$", ""), QLIB_OPERATORS)


@pytest.mark.parametrize("name", PRINTED)
def test_a_formula_is_the_printed_one_or_quotes_it_and_says_why(test_data: Path, name: str) -> None:
    texts = printed(test_data, name)
    for factor in CATALOGUE.library(name).factors:
        text = texts[factor.name]
        if factor.published:
            assert squeezed(factor.published) == squeezed(text), factor.name
            assert plain(factor.formula) != plain(text), f"{factor.name} is what is printed"
            assert factor.reading, f"{factor.name} does not say why it differs"
        else:
            assert plain(factor.formula) == plain(text), factor.name


def test_what_is_excluded_is_quoted(test_data: Path) -> None:
    texts = printed(test_data, "gtja191")
    for each in CATALOGUE.library("gtja191").excluded:
        assert squeezed(each.published) == squeezed(texts[each.name])


def test_windows_of_the_101_keep_their_fractions_for_the_binder_to_floor() -> None:
    formulas = " ".join(factor.formula for factor in CATALOGUE.library("alpha101").factors)
    fractions = re.findall(r", (\d+\.\d+)\)", formulas)
    assert len(fractions) == 174
    assert {"3.92795", "49.6054"} <= set(fractions)


@pytest.mark.parametrize(
    ("name", "lookback"),
    [
        ("alpha101_001", 4 + 19 + 1),  # ts_argmax 5, stddev 20, returns
        ("alpha101_041", 0),
        ("alpha101_061", 16 + 179),  # correlation 17.9282, adv180
        ("alpha101_087", 13 + 3 + 12 + 80),  # ts_rank, decay_linear 4.89768, correlation, adv81
        ("alpha101_096", 12 + 13 + 11 + 2 + 3 + 59),  # Ts_ArgMax 12.6556, correlation 3.65459, …
        ("gtja191_119", 7 + 6 + 8 + 20 + 14),  # DECAYLINEAR, TSRANK, MIN(x, 9), CORR, MEAN
        ("gtja191_149", 251 + 1),
        ("alpha158_klow2", 0),
        ("alpha158_cord60", 59 + 1),
    ],
)
def test_look_backs_add_up(name: str, lookback: int) -> None:
    graph = Graph()
    assert graph.nodes[graph.add(CATALOGUE.factor(name).formula)].lookback == lookback


def test_the_page_on_the_101_has_a_row_for_each_with_its_formula() -> None:
    rows = page_rows()
    factors = CATALOGUE.library("alpha101").factors
    assert [row[0] for row in rows] == [str(k) for k in range(1, 102)]
    assert [row[1] for row in rows] == [f"`{factor.formula}`" for factor in factors]
    assert all(len(row) == 4 and all(row) for row in rows)


def test_the_page_on_the_101_names_each_window_that_rounding_would_change() -> None:
    for number, formula, _, reading in page_rows():
        windows = set(re.findall(r", (\d+\.\d+)\)", formula))
        told = dict(re.findall(r"(\d+\.\d+) to (\d+)", reading))
        assert set(told) == {d for d in windows if round(float(d)) != math.floor(float(d))}, number
        assert all(int(to) == math.floor(float(d)) for d, to in told.items())
