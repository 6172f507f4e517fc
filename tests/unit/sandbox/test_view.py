"""Paths of a view."""

from __future__ import annotations

from git_orch.sandbox.walls.view import outermost


def test_places_below_others_are_left_out() -> None:
    paths = ["/usr/lib", "/usr", "/usr-local", "/a/b", "/a/b/c", "/a.b", "/usr"]
    assert outermost(paths) == ["/a/b", "/a.b", "/usr", "/usr-local"]
