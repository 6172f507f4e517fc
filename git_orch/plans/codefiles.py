"""Files that run code for whoever checks them out or opens the project: a reviewer reads them
first.
"""

from __future__ import annotations

import re

# By name, in any directory.
_NAMES = frozenset({
    ".gitattributes", ".gitmodules", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml",
    ".envrc", ".mise.toml", "mise.toml", ".tool-versions", ".npmrc", ".yarnrc", ".yarnrc.yml",
    ".pnpmfile.cjs", ".python-version", ".nvmrc", ".node-version", ".ruby-version",
    "rust-toolchain", "rust-toolchain.toml", "build.rs", "setup.py", "conftest.py",
    "pyproject.toml", "setup.cfg", "tox.ini", "sitecustomize.py", "usercustomize.py",
    "noxfile.py", "tasks.py", "makefile", "gnumakefile", "justfile", "rakefile", "pom.xml",
    "gruntfile.js", "gulpfile.js", "gemfile", "vagrantfile", "dockerfile", "jenkinsfile",
    "cmakelists.txt", "build.gradle", "build.gradle.kts", "settings.gradle", "gradlew", "mvnw",
    "lefthook.yml", ".lefthook.yml", ".gitlab-ci.yml", ".travis.yml", ".mcp.json", "agents.md",
    "claude.md", "gemini.md", ".cursorrules", ".windsurfrules", ".editorconfig-checker.json",
})  # fmt: skip
# Anything below a directory of this name.
_DIRECTORIES = frozenset({
    ".husky", ".githooks", "githooks", ".github", ".gitea", ".forgejo", ".circleci",
    ".buildkite", ".devcontainer", ".vscode", ".idea", ".zed", ".claude", ".cursor", ".codex",
    ".gemini", ".cargo", ".config", ".ci", ".mvn", ".yarn",
})  # fmt: skip
_SUFFIXES = re.compile(
    r".*\.(?:pth|csproj|vcxproj|xcscheme|code-workspace)|.*\.config\.(?:js|cjs|mjs|ts|mts)",
    re.DOTALL,
)

# Only its scripts run: whoever can read both versions of it tells whether those changed.
PACKAGE = "package.json"


def runs_code(path: str) -> bool:
    """Whether a file of that name is run by git, an editor, a shell prompt, a build tool, CI or a
    coding agent.

    Letter case does not count: some file systems do not know it.
    """
    *directories, name = path.casefold().split("/")
    return (
        name in _NAMES
        or not _DIRECTORIES.isdisjoint(directories)
        or _SUFFIXES.fullmatch(name) is not None
    )


def package_scripts(text: bytes | None) -> object:
    """The fields of a package.json that npm runs code for, or acts on; None for no file.

    Text that is not a JSON object is returned as it is.
    """
    import json

    if text is None:
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(fields, dict):
        return text
    return {
        name: fields.get(name) for name in ("scripts", "bin", "config", "gypfile", "packageManager")
    }
