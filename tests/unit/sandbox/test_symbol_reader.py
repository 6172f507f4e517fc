"""What files define, by the grammar of their language."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from git_orch.sandbox import symbol_reader

SOURCES = {
    "python": (
        "class A(B):\n    @property\n    def size(self): ...\ndef main():\n    def inner(): ...\n",
        ["class A 1", "method size 3 A", "function main 4"],
    ),
    "javascript": (
        "export class A { get() {} }\nexport const f = () => 1;\nfunction* g() {}\nconst x = 1;\n",
        ["class A 1", "method get 1 A", "function f 2", "function g 3"],
    ),
    "typescript": (
        "interface I { a: string }\ntype T = I;\nabstract class C { m(): void {} }\nenum E { X }\n",
        ["interface I 1", "type T 2", "class C 3", "method m 3 C", "enum E 4"],
    ),
    "tsx": ("export function App() { return <div/>; }\n", ["function App 1"]),
    "go": (
        "package x\ntype Shop struct{}\nfunc (s *Shop) Open() {}\nfunc New() *Shop { return nil }\n",
        ["type Shop 2", "method Open 3 Shop", "function New 4"],
    ),
    "rust": (
        "struct S;\nimpl S { fn new() -> S { S } }\ntrait T { fn go(&self) {} }\nfn main() {}\n",
        ["struct S 1", "method new 2 S", "trait T 3", "method go 3 T", "function main 4"],
    ),
    "java": (
        "class A { A() {} int size() { return 0; } }\ninterface I { void go(); }\n",
        ["class A 1", "method A 1 A", "method size 1 A", "interface I 2", "method go 2 I"],
    ),
    "c": (
        "struct point { int x; };\nstatic char *name(struct point *p) { return 0; }\n",
        ["struct point 1", "function name 2"],
    ),
    "cpp": (
        "namespace n { class A { void go() {} }; }\nint main() { return 0; }\n",
        ["class A 1", "method go 1 A", "function main 2"],
    ),
    "ruby": (
        "module M\n  class A\n    def go; end\n    def self.make; end\n  end\nend\n",
        ["module M 1", "class A 2 M", "method go 3 A", "method make 4 A"],
    ),
}  # fmt: skip


def read(place: Path, sources: dict[str, tuple[str, str]]) -> dict[str, list[list[object]]]:
    """The answers for these files, by name: each has its grammar and text."""
    for name, (_, source) in sources.items():
        (place / name).write_text(source)
    order = [[name, grammar] for name, (grammar, _) in sources.items()]
    (place / "order.json").write_text(json.dumps(order))
    symbol_reader.main(str(place))
    return dict(map(json.loads, (place / "symbols.jsonl").read_text().splitlines()))


@pytest.mark.parametrize("grammar", SOURCES)
def test_definitions_are_read_with_their_lines_and_classes(tmp_path: Path, grammar: str) -> None:
    source, expected = SOURCES[grammar]
    rows = read(tmp_path, {"f": (grammar, source)})["f"]
    assert [" ".join(str(part) for part in row if part != "") for row in rows] == expected


@pytest.mark.parametrize(
    "source",
    [
        "(" * 100_000,
        "class A:\n" * 20_000,
        "def f(\n" * 20_000,
        "\0\x1b\xff",
        "x = " + "[" * 50_000,
    ],
)
def test_what_is_no_program_takes_no_more_than_its_share(tmp_path: Path, source: str) -> None:
    rows = read(tmp_path, {"f": ("python", source)})["f"]
    assert len(rows) <= symbol_reader.MOST_SYMBOLS


def test_a_name_of_a_megabyte_is_cut(tmp_path: Path) -> None:
    [row] = read(tmp_path, {"f": ("python", f"def {'x' * 1_000_000}(): ...\n")})["f"]
    assert len(str(row[1])) == 120
