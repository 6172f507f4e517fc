"""The process table, as it is and as a kernel without lists of children tells it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from git_orch.sandbox.process import table


def written(directory: Path, lines: dict[int, tuple[int, str]]) -> None:
    """A /proc with nothing but the stat files of processes: parent and state by ID."""
    for pid, (parent, state) in lines.items():
        (directory / str(pid)).mkdir()
        rest = " ".join(["0"] * 15)
        (directory / str(pid) / "stat").write_text(
            f"{pid} (a) b) {state} {parent} 7 8 {rest} 99 0 0\n"
        )


def test_a_line_has_parent_session_start_and_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {10: (1, "Z")})
    monkeypatch.setattr(table, "PROC", str(tmp_path))
    assert table.process(10) == table.Process(10, parent=1, session=8, started=99, dead=True)


def test_descendants_are_found_without_lists_of_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {1: (0, "S"), 10: (1, "S"), 11: (10, "Z"), 12: (11, "R"), 20: (1, "S")})
    monkeypatch.setattr(table, "PROC", str(tmp_path))
    assert sorted(table.descendants(10)) == [11, 12]
    assert table.below(table.descendants(1), [10]) == {10, 12}


def test_descendants_are_those_of_the_whole_table() -> None:
    with subprocess.Popen(
        ["bash", "-c", "sleep 300 & (sleep 300 & echo ready; wait)"], stdout=subprocess.PIPE
    ) as top:
        assert top.stdout is not None
        top.stdout.readline()
        everybody = table.processes()
        found = table.below(table.descendants(os.getpid()), [top.pid])
        assert found == table.below(everybody, [top.pid])
        assert len(found) >= 3
        table.send(found, 9)


def test_a_process_that_has_gone_is_nowhere() -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    assert table.process(gone.pid) is None
    assert table.children(gone.pid) == []
    assert table.tag(gone.pid) == ""
    assert table.descendants(gone.pid) == {}
    table.send([gone.pid], 9)


def test_where_there_is_no_proc_there_is_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "PROC", str(tmp_path / "none"))
    assert not table.available()
    assert table.processes() == table.descendants(os.getpid()) == {}
