"""The manual and the completion: found, or with the line that makes them be found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import places
import pytest

from git_orch.flow.machine import installed
from git_orch.sandbox.probes import Answer

_SCRIPT = places.TOP / "git_orch/views/completion/git-orch"
_BASH_COMPLETION = "/usr/share/bash-completion"


def variables(home: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), **more}


def test_pages_that_man_does_not_find_come_with_what_helps(tmp_path: Path) -> None:
    answer = installed.man_pages(variables(tmp_path, MANPATH=str(tmp_path)))
    assert answer.status == "note"
    assert answer.hint is not None


def test_pages_that_man_finds_are_told(tmp_path: Path) -> None:
    page = tmp_path / "man1/git-orch.1"
    page.parent.mkdir()
    shutil.copy(places.TOP / "man/git-orch.1", page)
    answer = installed.man_pages(variables(tmp_path, MANPATH=str(tmp_path)))
    assert answer == Answer("man", "ok", str(page))


def test_a_machine_without_man_is_fine() -> None:
    assert installed.man_pages({"PATH": "/nowhere"}) == Answer(
        "man", "note", "there is no man here", "git orch help"
    )


def test_the_line_for_a_completion_that_bash_does_not_find_helps(tmp_path: Path) -> None:
    around = variables(tmp_path, XDG_DATA_DIRS=f"{tmp_path}/none")
    answer = installed.bash_completion(around)
    assert answer.status == "note"
    line = re.sub(r"^in ~/\.bashrc: ", "", answer.hint or "")
    (tmp_path / ".bashrc").write_text(f"{line}\n")
    assert installed.bash_completion(around).status == "ok"
    script = f"{line} && declare -F _git_orch"
    said = subprocess.run(
        ["bash", "--norc", "-c", script], env=around, capture_output=True, text=True, check=True
    )
    assert said.stdout == "_git_orch\n"


def test_the_line_for_a_completion_that_zsh_does_not_find_helps(tmp_path: Path) -> None:
    around = variables(tmp_path)
    answer = installed.zsh_completion(around)
    assert answer.status == "note"
    line = re.sub(r"^in ~/\.zshrc, before compinit: ", "", answer.hint or "")
    (tmp_path / ".zshrc").write_text(f"{line}\nautoload -U compinit; compinit -D -u\n")
    assert installed.zsh_completion(around).status == "ok"
    said = subprocess.run(
        ["zsh", "-c", ". ~/.zshrc; print $_comps[git-orch]"],
        env=around,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "_git-orch\n"


def test_a_zsh_completion_in_a_directory_of_fpath_counts(tmp_path: Path) -> None:
    file = tmp_path / "own/_git-orch"
    file.parent.mkdir()
    shutil.copy(_SCRIPT.with_name("_git-orch"), file)
    around = variables(tmp_path, FPATH=f"/none:{file.parent}")
    assert installed.zsh_completion(around) == Answer("completion-zsh", "ok", str(file))


def test_the_line_for_a_completion_that_fish_does_not_find_helps(tmp_path: Path) -> None:
    around = variables(tmp_path)
    answer = installed.fish_completion("/usr/bin/fish", around)
    assert answer.status == "note"
    line = re.sub(r"^in ~/\.config/fish/config\.fish: ", "", answer.hint or "")
    start = tmp_path / ".config/fish/config.fish"
    start.parent.mkdir(parents=True, exist_ok=True)
    start.write_text(f"{line}\n")
    assert installed.fish_completion("/usr/bin/fish", around).status == "ok"


@pytest.mark.parametrize(
    ("place", "named"),
    [
        (".local/share/bash-completion", {}),
        ("data/bash-completion", {"XDG_DATA_HOME": "data"}),
        ("own", {"BASH_COMPLETION_USER_DIR": "own"}),
        ("more/bash-completion", {"XDG_DATA_DIRS": "none:more"}),
    ],
)
def test_a_completion_where_bash_completion_looks_is_found_by_both(
    tmp_path: Path, place: str, named: dict[str, str]
) -> None:
    """Ours says so, and bash-completion loads it."""
    file = tmp_path / place / "completions/git-orch"
    file.parent.mkdir(parents=True)
    shutil.copy(_SCRIPT, file)
    more = {
        name: ":".join(str(tmp_path / part) for part in value.split(":"))
        for name, value in named.items()
    }
    around = variables(tmp_path, **more)
    assert installed.bash_completion(around) == Answer("completion", "ok", str(file))
    load = "_comp_load git-orch 2>/dev/null || __load_completion git-orch"
    script = f". {_BASH_COMPLETION}/bash_completion; {load}; declare -F _git_orch"
    said = subprocess.run(
        ["bash", "--norc", "-c", script], env=around, capture_output=True, text=True, check=True
    )
    assert said.stdout == "_git_orch\n"
