"""Expressions of Prometheus, taken apart: which series they select, and which labels they name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import promql_parser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

RANGE: Final = "5m"
"""What stands for Grafana's variable of a range, which PromQL does not know."""

_OPERATORS: Final = {"=": "MatchOp.Equal", "!=": "MatchOp.NotEqual", "=~": "MatchOp.Re", "!~": "MatchOp.NotRe"}


@dataclass(frozen=True)
class Selector:
    """The metric that a part of an expression selects, and the labels that it is grouped by or matched on."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]
    """Label, operator and value of each."""
    grouped_by: frozenset[str]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series of this metric is selected."""
        return all(_holds(labels.get(label, ""), operator, value) for label, operator, value in self.matchers)


def parsed(expression: str) -> promql_parser.Expr:
    """Parse an expression of an alert or, with Grafana's variables, of a panel.

    Raises:
        ValueError: it is no PromQL.
    """
    return promql_parser.parse(without_variables(expression))


def without_variables(expression: str) -> str:
    """The expression as Grafana sends it."""
    return expression.replace("$__rate_interval", RANGE)


def selectors(expression: str) -> list[Selector]:
    """Each selector of an expression."""
    return list(_selectors(parsed(expression), frozenset()))


def labels_left(expression: str) -> set[str]:
    """The labels that the result has, as far as its aggregations name them."""
    return {label for selector in selectors(expression) for label in selector.grouped_by} - {"le"}


def _selectors(part: promql_parser.Expr, grouped_by: frozenset[str]) -> Iterator[Selector]:
    if isinstance(part, promql_parser.VectorSelector):
        matchers = tuple((each.name, _operator(each.op), each.value) for each in part.matchers.matchers)
        yield Selector(part.name or "", matchers, grouped_by)
    elif isinstance(part, promql_parser.MatrixSelector):
        yield from _selectors(part.vector_selector, grouped_by)
    elif isinstance(part, promql_parser.AggregateExpr):
        yield from _selectors(part.expr, grouped_by | _named(part.modifier))
    elif isinstance(part, promql_parser.Call):
        yield from _all(part.args, grouped_by)
    elif isinstance(part, promql_parser.BinaryExpr):
        assert part.modifier is None or part.modifier.matching is None, "no expression here names labels to join by"
        yield from _all((part.lhs, part.rhs), grouped_by)
    elif isinstance(part, promql_parser.ParenExpr | promql_parser.UnaryExpr | promql_parser.SubqueryExpr):
        yield from _selectors(part.expr, grouped_by)
    else:
        assert isinstance(part, promql_parser.NumberLiteral | promql_parser.StringLiteral), part


def _all(parts: Iterable[promql_parser.Expr], grouped_by: frozenset[str]) -> Iterator[Selector]:
    for part in parts:
        yield from _selectors(part, grouped_by)


def _named(modifier: promql_parser.AggModifier | None) -> frozenset[str]:
    return frozenset(() if modifier is None else modifier.labels)


def _operator(operator: promql_parser.MatchOp) -> str:
    return next(text for text, name in _OPERATORS.items() if name == str(operator))


def _holds(actual: str, operator: str, value: str) -> bool:
    if operator in {"=", "!="}:
        return (actual == value) is (operator == "=")
    return (re.fullmatch(value, actual) is not None) is (operator == "=~")
