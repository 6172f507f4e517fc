"""Variables of templates: types, defaults and choices."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from git_orch.plans.document import BadDocument
from git_orch.templates import variables
from git_orch.templates.language import Value
from git_orch.templates.variables import Unfit

DECLARED: Mapping[str, Mapping[str, object]] = {
    "name": {"description": "a name", "pattern": "[a-z]{1,5}", "also": "ProjectName"},
    "port": {
        "description": "a port",
        "type": "integer",
        "default": "8080",
        "min": "1",
        "max": 65535,
    },
    "tests": {"description": "with tests", "type": "boolean", "default": True},
    "license": {"description": "a licence", "choices": ["MIT", "BSD"], "default": "MIT"},
}


def values(**typed: str) -> dict[str, Value]:
    """The values of the declared variables."""
    declared = [variables.read(name, fields) for name, fields in DECLARED.items()]
    return variables.values(declared, typed, "t")


def test_defaults_stand_in_for_what_nobody_typed() -> None:
    assert values(name="a") == {"name": "a", "port": 8080, "tests": True, "license": "MIT"}


def test_what_was_typed_has_the_type_of_its_variable() -> None:
    typed = values(ProjectName="b", port="99", tests="no", license="BSD")
    assert typed == {"name": "b", "port": 99, "tests": False, "license": "BSD"}


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({}, "template 't' needs a value for 'name'"),
        ({"name": "a", "prot": "1"}, "has no variable 'prot' (did you mean 'port'?)"),
        ({"name": "a", "zzz": "1"}, "has no variable 'zzz'; it has name, port, tests, license"),
        ({"name": "a", "ProjectName": "b"}, "'name' has two values"),
        ({"name": "A"}, "'A' is no value for 'name': a name"),
        ({"name": "a\n"}, "must be one line"),
        ({"name": "a\x1b"}, "holds the control character U+001B"),
        ({"name": "a", "port": "x"}, "should be a whole number"),
        ({"name": "a", "port": "0"}, "must be at least 1"),
        ({"name": "a", "port": "65536"}, "must be at most 65535"),
        ({"name": "a", "port": "٣"}, "should be a whole number"),
        ({"name": "a", "tests": "2"}, "should be true or false"),
        ({"name": "a", "license": "MTI"}, "choose one of MIT, BSD (did you mean 'MIT'?)"),
    ],
)
def test_a_wrong_value_is_named(typed: dict[str, str], problem: str) -> None:
    """S1-266."""
    with pytest.raises(Unfit) as caught:
        values(**typed)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "description"),
        ({"description": "d", "defualt": "x"}, "unknown field 'defualt' (did you mean 'default'?)"),
        ({"description": "d", "type": "float"}, "'float' is not one of text, integer, boolean"),
        ({"description": "d", "type": "integer", "default": "x"}, "default: 'x' is no value"),
        ({"description": "d", "choices": ["a"], "default": "b"}, "default: 'b' is no value"),
        ({"description": "d", "choices": "a"}, "choices: expected a list of texts"),
        ({"description": "d", "reserved": "go"}, "'go' is not a set of words"),
        ({"description": "d", "pattern": "[a"}, "pattern: write letters and [classes]"),
        ({"description": "d", "pattern": "(a+)+b"}, "without groups"),
        ({"description": "d", "pattern": "a*a*a*a*b"}, "more than 3 counts"),
        ({"description": "d", "pattern": "[z-a]"}, "pattern: bad character range"),
    ],
)
def test_a_wrong_declaration_is_named(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(BadDocument) as caught:
        variables.read("x", fields)
    assert problem in str(caught.value)


def test_a_name_is_a_word() -> None:
    with pytest.raises(BadDocument, match="letters, digits and underscores"):
        variables.read("a-b", {"description": "d"})
