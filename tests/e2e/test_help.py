"""The list of commands that a person can hold, and what answers words that are none."""

from __future__ import annotations

from conftest import Here, writing

from git_orch.cli import table


def listed(said: str) -> list[str]:
    """The commands with a line of their own, in order."""
    return [
        line.split()[0]
        for line in said.partition("Plan:")[2].partition("For programs")[0].splitlines()
        if line.startswith("  ")
    ]


def test_help_lists_some_commands_in_groups(here: Here) -> None:
    names = listed(here("-h").out)
    assert 20 <= len(names) <= 40
    assert set(names) <= set(table.COMMANDS)


def test_help_names_every_command_that_it_does_not_list(here: Here) -> None:
    said = here("-h").out
    rest = said.partition("For programs")[2].partition(":")[2].replace(",", " ").split()
    assert set(rest) == set(table.COMMANDS) - set(listed(said))


def test_a_near_word_runs_nothing(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    assert f"hint: git orch exec {plan}" in here("run", plan, expect=2).err
    assert here.show(plan)["state"] == "CREATED"
