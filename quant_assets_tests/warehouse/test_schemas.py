import pytest

from quant_assets.warehouse.errors import UnknownTableError
from quant_assets.warehouse.schemas import (
    SCHEMAS,
    TableSchema,
    documentation,
    is_declared,
    schema_of,
    split_table,
)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda schema: schema.name)
def test_declarations_are_complete(schema: TableSchema) -> None:
    assert schema.description.endswith(".")
    assert len(set(schema.names)) == len(schema.names)
    for column in schema.columns:
        assert column.description, column.name
    for name in schema.key:
        assert not schema.column(name).nullable
    if schema.partition_by is not None:
        assert schema.partition_by in schema.names
        assert not schema.column(schema.partition_by).nullable
    assert schema.arrow.names == list(schema.names)


def test_every_schema_can_be_told_to_clickhouse() -> None:
    assert schema_of("us/labels").clickhouse_structure() == (
        "`date` Date32, `symbol` String, `decision_date` Date32, `horizon` Int32, `value` Float64"
    )
    assert "`row_date` Nullable(Date32)" in schema_of("quarantine").clickhouse_structure()
    assert all(schema.clickhouse_structure() for schema in SCHEMAS.values())


def test_any_factor_library_has_the_one_wide_declaration() -> None:
    alpha101 = schema_of("us/factors_alpha101")
    assert alpha101 is schema_of("demo/factors_style")
    assert alpha101.wide
    arrow = alpha101.arrow_with(["date", "symbol", "alpha001"])
    assert str(arrow.field("alpha001").type) == "double"
    assert alpha101.clickhouse_structure(["symbol", "alpha001"]) == (
        "`symbol` String, `alpha001` Nullable(Float64)"
    )


def test_a_wrong_table_name_is_answered_with_near_ones() -> None:
    with pytest.raises(UnknownTableError, match=r"no table 'us/adjusted_bar'; did you mean adj"):
        schema_of("us/adjusted_bar")
    with pytest.raises(UnknownTableError, match="declared are bars, quarantine"):
        schema_of("us/zzzz")


@pytest.mark.parametrize("name", ["bars", "us/bars/x", "../bars", "us/", "/bars", "us/a b"])
def test_a_full_name_is_market_and_asset(name: str) -> None:
    with pytest.raises(UnknownTableError, match="a table is named market/asset"):
        split_table(name)


def test_what_is_declared() -> None:
    assert is_declared("bars")
    assert is_declared("factors_style")
    assert not is_declared("factors_")
    assert not is_declared("style")


def test_only_wide_tables_have_undeclared_columns() -> None:
    with pytest.raises(KeyError, match="bars has no column 'vwap'"):
        schema_of("bars").column("vwap")


def test_the_documentation_names_every_table_and_column() -> None:
    page = documentation()
    for schema in SCHEMAS.values():
        section = page.split(f"## {schema.name}\n")[1].split("\n## ")[0]
        for column in schema.columns:
            assert f"| `{column.name}` | {column.type} | {column.unit} |" in section
            assert column.description in section
    assert "| `rank` | double |  |  | 0 … 1 | percentile of the score on the day |" in page
    assert "Key: date, symbol. One partition a date." in page
    assert "No key. One partition a date." in page
    assert "In SQL also `intraday_return` = close / open - 1: return from the" in page
