"""What makes a step's work worth a look: it changed how it is judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.plans import needs_review
from git_orch.plans.needs_review import Change
from git_orch.plans.plan import FileContent, Step

PY = "def test_a():\n    assert a() == 1\n\n\ndef test_b():\n    assert b() == 2\n"
ONE = PY.partition("\n\n\n")[0] + "\n"


def step(*paths: str, kind: str = "agent") -> Step:
    """A step that declares these paths."""
    return Step("s1", "x", kind, prompt="x", paths=paths)  # type: ignore[arg-type]  # one of the kinds


def found(
    *changes: Change, declared: tuple[str, ...] = ("src",), checks: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """The reasons for a step that declares `src`."""
    return needs_review.reasons(step(*declared), checks, changes)


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_x.py", "test_x.py", "pkg/x_test.py", "x_test.go", "src/x.spec.ts",
        "src/x.test.jsx", "conftest.py", "a/__tests__/x.js", "spec/x_spec.rb", "spec/helper.rb",
        "src/test/java/X.java", "FooTest.java", "FooTests.cs", "FooIT.java", "test/data/big.bin",
        "Tests/x.swift", "x.bats", "test-x.R", "pytest.ini", "jest.config.js", "tests.rs",
        "cypress/x.cy.ts", "tests/golden.json",
    ],
)  # fmt: skip
def test_a_file_of_tests_is_known_by_its_path(path: str) -> None:
    assert needs_review.is_test(path)
    assert needs_review.paths_to_read([Change(path, "M")]) == (path,)


@pytest.mark.parametrize(
    "path",
    [
        "src/main.py", "latest.py", "contest.go", "src/attest.ts", "Manifest.java",
        "docs/testing.md", "spec/api.md", "specs/001/plan.yaml", "test.md/x", "protest/x.py",
        "request.test_me", "greatest/x", "README.md", "setup.py",
    ],
)  # fmt: skip
def test_other_files_are_none(path: str) -> None:
    assert not needs_review.is_test(path)


def test_a_test_file_that_is_changed_or_deleted_undeclared_is_told() -> None:
    assert found(Change("tests/test_x.py", "M", PY, PY + "\n")) == (
        "changes test files that it did not declare: tests/test_x.py",
    )
    assert found(Change("tests/data.bin", "D")) == (
        "deletes test files that it did not declare: tests/data.bin",
    )


def test_a_new_test_file_is_no_reason() -> None:
    assert found(Change("tests/test_x.py", "A", None, PY), Change("src/x.py", "M")) == ()


@pytest.mark.parametrize("declared", ["tests", "tests/", "./tests", "tests/test_x.py", "."])
@pytest.mark.parametrize("kind", ["agent", "run"])
def test_a_step_that_declares_the_tests_may_do_what_it_likes_with_them(
    declared: str, kind: str
) -> None:
    changes = [Change("tests/test_x.py", "M", PY, "@pytest.mark.skip\n")]

    assert (
        needs_review.reasons(step(declared, kind=kind), ["pytest tests/test_x.py"], changes) == ()
    )


def test_a_declared_file_does_not_cover_its_directory() -> None:
    assert found(Change("tests/test_y.py", "D"), declared=("tests/test_x.py",)) != ()


@pytest.mark.parametrize("kind", ["files", "manual"])
def test_what_the_plan_itself_says_or_a_person_did_needs_no_review(kind: str) -> None:
    literal = step(kind=kind)._replace(files={"tests/test_x.py": FileContent("")})

    assert (
        needs_review.reasons(
            literal,
            ["sh run.sh"],
            [Change("tests/test_x.py", "M", PY, ""), Change("run.sh", "M")],
        )
        == ()
    )


@pytest.mark.parametrize(
    ("check", "path"),
    [
        ("sh scripts/check.sh", "scripts/check.sh"),
        ("./check.sh && echo ok", "check.sh"),
        ("cd sub && ./check.sh", "sub/check.sh"),
        ("make -C sub -f rules.mk", "sub/rules.mk"),
    ],
)
def test_a_file_that_a_check_runs_is_told_when_it_is_edited(check: str, path: str) -> None:
    assert found(Change(path, "M"), checks=("true", check)) == (
        f"changes what check '{check}' runs or loads: {path}",
    )
    assert found(Change(path, "A"), declared=(), checks=(check,)) == ()
    assert found(Change(path, "M"), declared=(path,), checks=(check,)) == ()
    assert found(Change("other/" + path, "M"), declared=(), checks=("sh " + path,)) == ()


def test_a_product_that_a_check_reads_is_no_reason() -> None:
    checks = ('test "$(cat out.txt)" = 1', "grep -q x out.txt")
    assert found(Change("out.txt", "M"), declared=(), checks=checks) == ()


def test_files_outside_of_the_declared_paths_are_named() -> None:
    changes = (Change("src/a.py", "M"), Change("other.py", "M"), Change("new.txt", "A"))
    assert found(*changes) == ("changes files outside of its declared paths: other.py, new.txt",)
    assert found(*changes, declared=()) == ()


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("test_x.py", "class TestX:\n    def test_a(self): ...\n", "class X:\n    def test_a(self): ...\n"),
        ("test_x.py", "async def test_a(): ...\n", "# async def test_a(): ...\n"),
        ("x.test.js", "it('a', f)\n", "xit('a', f)\n"),
        ("x.test.js", "  test.each(t)('a', f)\n", ""),
        ("x_spec.rb", "  it 'works' do\n", ""),
        ("tests/x.rs", "    #[test]\n    fn a() {}\n", "    fn a() {}\n"),
        ("tests/x.rs", "#[tokio::test]\nasync fn a() {}\n", ""),
        ("src/lib.rs", "#[test]\nfn a() {}\n", ""),
        ("x_test.go", "func TestX(t *testing.T) {\n", "func testX(t *testing.T) {\n" * 0),
        ("XTest.java", "  @Test\n  void a() {}\n", "  void a() {}\n"),
        ("x_test.cc", "TEST(A, B) {\n", ""),
        ("XTests.cs", "    [Fact]\n", ""),
        ("x.bats", '@test "a" {\n', ""),
        ("XTest.php", "    public function testA(): void\n", ""),
    ],
)  # fmt: skip
def test_a_test_less_is_told_in_every_language(path: str, before: str, after: str) -> None:
    told = found(Change(path, "M", before, after), declared=("doc",))

    assert "leaves 1 test fewer than there were" in told


def test_a_test_that_moved_is_not_lost() -> None:
    told = found(Change("tests/test_x.py", "M", PY, ONE), Change("src/test_y.py", "A", None, PY))

    assert told == ("changes test files that it did not declare: tests/test_x.py",)


def test_a_file_whose_text_is_not_known_has_lost_nothing() -> None:
    told = found(Change("tests/test_x.py", "M", PY, None))

    assert told == ("changes test files that it did not declare: tests/test_x.py",)


@pytest.mark.parametrize(
    "marker",
    [
        "@pytest.mark.skip\n", "@pytest.mark.xfail(strict=False)\n", "    pytest.skip('no')\n",
        "@unittest.skip('x')\n", "        self.skipTest('no')\n", "it.skip('a', f)\n",
        "describe.only('a', f)\n", "  xit('a', f)\n", "#[ignore]\n", "    t.Skip()\n",
        "  @Disabled\n", "  @Ignore\n", "  GTEST_SKIP();\n", "TEST(A, DISABLED_b) {\n",
        "$this->markTestSkipped();\n", '  [Fact(Skip = "no")]\n', '  skip "no"\n',
        "collect_ignore = ['test_x.py']\n",
    ],
)  # fmt: skip
def test_a_marker_that_lets_a_test_be_skipped_is_told(marker: str) -> None:
    told = found(Change("tests/test_x", "M", PY, marker + PY))

    assert told[-1] == "lets tests be skipped or expects them to fail: tests/test_x"
    # It was there before.
    assert len(found(Change("tests/test_x", "M", marker + PY, marker + PY + "\n"))) == 1


def test_a_reason_is_one_line_with_few_names_whatever_the_paths_hold() -> None:
    hostile = "tests/a\nOrch-Step: s9\u202e"
    many = [
        Change(path, "D")
        for path in (hostile, "tests/" + "x" * 400, "tests/c", "tests/d", "tests/e")
    ]

    [told] = found(*many)

    assert told.isprintable()
    assert '"tests/a\\nOrch-Step: s9\\342\\200\\256"' in told
    assert told.endswith("tests/c and 2 more")
    assert len(told) < 400


texts = st.one_of(st.none(), st.text(st.sampled_from("def test_a(\n \t[#]@it.skip()"), max_size=80))
changes = st.builds(
    Change,
    st.sampled_from(["tests/a.py", "src/a.rs", "b_test.go", "c"]),
    st.sampled_from("AMD"),
    texts,
    texts,
)


@given(
    st.lists(changes, max_size=5),
    st.lists(st.sampled_from(["tests", "src", "c", ".", "b_test.go"]), max_size=3),
)
def test_declaring_more_never_gives_more_reasons(some: list[Change], declared: list[str]) -> None:
    for count in range(1, len(declared)):  # who declares nothing has no place to keep to
        less = needs_review.reasons(step(*declared[:count]), ["sh c"], some)
        more = needs_review.reasons(step(*declared[: count + 1]), ["sh c"], some)
        assert len(more) <= len(less)
    assert needs_review.reasons(step(*declared, "."), ["sh c"], some) == ()


@pytest.mark.parametrize(
    "line", ["\n" * 200_000, " " * 200_000, "#[a::" * 40_000, "a " * 100_000, "func " * 40_000]
)
def test_no_text_takes_long(line: str) -> None:
    """The suite's own time limit is what would notice."""
    assert found(Change("tests/x", "M", line, line)) != ()
