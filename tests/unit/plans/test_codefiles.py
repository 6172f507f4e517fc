"""Which changed files run code for whoever uses the tree."""

from __future__ import annotations

import pytest

from git_orch.plans import codefiles

RUN = [
    ".gitattributes", ".gitmodules", ".pre-commit-config.yaml", ".envrc", ".mise.toml",
    ".tool-versions", ".npmrc", ".yarnrc.yml", "rust-toolchain.toml", "build.rs", "setup.py",
    "conftest.py", "sitecustomize.py", "x.pth", "Makefile", "GNUmakefile", "Dockerfile",
    "CMakeLists.txt", ".gitlab-ci.yml", "Jenkinsfile", ".mcp.json", "AGENTS.md", "CLAUDE.md",
    ".cursorrules", "vite.config.ts", "jest.config.js", "eslint.config.mjs", "app.csproj",
    "p.code-workspace", ".husky/pre-commit", ".githooks/any thing", ".github/workflows/ci.yml",
    ".cargo/config.toml", ".vscode/tasks.json", ".idea/x.xml", ".devcontainer/devcontainer.json",
    ".claude/settings.json", ".cursor/rules/x", ".circleci/config.yml", ".config/x",
    "pyproject.toml", "setup.cfg", "tox.ini", "pom.xml", "Gruntfile.js", "gulpfile.js",
]  # fmt: skip
DO_NOT_RUN = [
    "README.md", "src/main.py", "makefile.md", "docs/setup.py.txt", "conftest.pyc",
    "my-conftest.py", "a.pth.txt", "github/workflows/ci.yml", "x.github", "config.js",
    "package.json", "src/build.rs.bak", "vscode/tasks.json", "pth", "husky", "setup.pyx",
]  # fmt: skip


@pytest.mark.parametrize("path", RUN)
@pytest.mark.parametrize("place", ["", "a/b c/", "\n/"])
def test_such_a_file_counts_in_every_directory_and_letter_case(path: str, place: str) -> None:
    """A04: some file systems do not know letter case."""
    assert [
        codefiles.runs_code(f"{place}{each}") for each in (path, path.upper(), path.swapcase())
    ] == [True] * 3


@pytest.mark.parametrize("path", DO_NOT_RUN)
def test_other_files_do_not(path: str) -> None:
    assert not codefiles.runs_code(path)


@pytest.mark.parametrize("name", ["a\n.pth", "\n.config.js", "é.pth"])
def test_no_character_in_a_name_hides_what_it_is(name: str) -> None:
    assert codefiles.runs_code(f"d/{name}")


@pytest.mark.parametrize("field", ["scripts", "bin", "config", "gypfile", "packageManager"])
def test_what_npm_runs_from_a_package_tells_two_of_them_apart(field: str) -> None:
    package = b'{"name": "a", "version": "1", "%s": "evil"}' % field.encode()
    assert codefiles.package_scripts(package) != codefiles.package_scripts(
        b'{"name": "a", "version": "1"}'
    )


def test_the_rest_of_a_package_does_not() -> None:
    old = codefiles.package_scripts(b'{"name": "a", "scripts": {"test": "jest", "lint": "x"}}')
    assert (
        codefiles.package_scripts(b'{"version": "2", "scripts": {"lint": "x", "test": "jest"}}')
        == old
    )


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000, b"9" * 10_000, b"\0"]
)
def test_text_that_is_no_package_counts_as_itself(text: bytes) -> None:
    assert codefiles.package_scripts(text) == text


def test_no_package_is_unlike_any() -> None:
    assert codefiles.package_scripts(None) is None
    assert codefiles.package_scripts(b"{}") is not None
