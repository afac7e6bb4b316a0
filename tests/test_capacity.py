"""docs/capacity.md: every line of arithmetic on the page is right, and its sizes are the chart's."""

import ast
import operator
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")
SUM = re.compile(r"((?:\(?\d[\d,.]*\)?\s*[×/+−]\s*)+\(?\d[\d,.]*\)?)\s*=\s*(\d[\d,.]*\d|\d)")
OPERATIONS = {ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Add: operator.add, ast.Sub: operator.sub}


def value_of(written: str) -> float:
    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return float(OPERATIONS[type(node.op)](value(node.left), value(node.right)))
        assert isinstance(node, ast.Constant)
        assert isinstance(node.value, int | float)
        return float(node.value)

    plain = written.replace(",", "").replace("×", "*").replace("−", "-")
    return value(ast.parse(plain.strip(), mode="eval").body)


def test_every_sum_on_the_page_is_right() -> None:
    found = SUM.findall(PAGE)
    assert len(found) >= 50
    wrong = []
    for written, result in found:
        decimals = len(result.partition(".")[2])
        if abs(value_of(written) - value_of(result)) > 0.5 * 10**-decimals + 1e-9:
            wrong.append(f"{written} = {result}, but it is {value_of(written):,.3f}")
    assert not wrong


def test_a_wrong_sum_would_be_found() -> None:
    ((written, result),) = SUM.findall("| a | 1,250 × 24 / 22 = 1,365 |")
    assert round(value_of(written)) == 1364 != value_of(result)


@pytest.mark.parametrize(("size", "column"), [("small", 0), ("medium", 1), ("large", 2)])
def test_the_sizes_on_the_page_are_those_of_the_chart(size: str, column: int) -> None:
    text = (ROOT / "deploy" / "helm" / "tandem" / f"values-{size}.yaml").read_text(encoding="utf-8")
    for what, figure in re.findall(r"^#= (.+?): ([\d.,]+)", text, re.MULTILINE):
        assert cells(what)[column] == figure, what
    values = yaml.safe_load(text)
    assert cells("`maxConnections`")[column] == str(values["cloudnativepg"]["maxConnections"])
    assert cells("partitions of a topic")[column] == str(values["kafka"]["topicPartitions"])
    assert cells("pool, replicas at most")[column] == (
        f"{values['defaults']['poolConnections']}, {values['autoscaling']['maxReplicas']}"
    )
    disk = values["cloudnativepg"]["storage"].replace("1Ti", "1024Gi").removesuffix("Gi")
    assert cells("the chart's disk, GiB")[column].replace(",", "") == disk
    assert cells("the chart's disk of a broker, GiB")[column] + "Gi" == values["strimzi"]["brokers"]["storage"]


def cells(row: str) -> list[str]:
    """The cells of the table row that begins with these words."""
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {row} |"))
    return [cell.strip() for cell in line.split("|")[2:-1]]
