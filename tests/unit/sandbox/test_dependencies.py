"""The directories of a checkout that hold its dependencies: by name and by what is in them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from git_orch.sandbox.shares import dependencies
from git_orch.sandbox.walls.view import Share

PRESENT: dict[str, tuple[str, ...]] = {
    ".venv": (".venv/pyvenv.cfg",),
    "env-of-any-name": ("env-of-any-name/pyvenv.cfg",),
    "backend/.venv": ("backend/.venv/pyvenv.cfg",),
    ".direnv/python-3.12": (".direnv/python-3.12/pyvenv.cfg",),
    ".conda": (".conda/conda-meta/history",),
    ".pixi": (".pixi/envs/default/bin/python",),
    "node_modules": ("node_modules/.package-lock.json",),
    "web/node_modules": ("web/package.json", "web/node_modules/left-pad/package.json"),
    "bower_components": ("bower.json", "bower_components/jquery/bower.json"),
    ".yarn/cache": ("yarn.lock", ".yarn/cache/a.zip"),
    ".yarn/unplugged": ("yarn.lock", ".yarn/unplugged/a/package.json"),
    ".yarn/install-state.gz": ("yarn.lock", ".yarn/install-state.gz"),
    ".pnp.cjs": ("package.json", ".pnp.cjs"),
    "vendor/bundle": ("vendor/bundle/ruby/3.1.0/bin/rspec",),
    ".bundle": (".bundle/config",),
    "vendor": ("vendor/autoload.php",),
    "go/vendor": ("go/vendor/modules.txt",),
    "rust/vendor": ("rust/vendor/serde/.cargo-checksum.json",),
    ".tox": (".tox/py311/pyvenv.cfg",),
    ".nox": (".nox/tests/pyvenv.cfg",),
    ".eggs": (".eggs/README.txt",),
    "__pypackages__": ("__pypackages__/3.12/lib/a.py",),
    "deps": ("mix.exs", "deps/plug/mix.exs"),
    "Pods": ("Pods/Manifest.lock",),
}


def laid_out(top: Path, files: Sequence[str]) -> str:
    for name in files:
        file = top / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    return str(top)


def everything(places: Sequence[str]) -> frozenset[str]:
    return frozenset(places)


class Asked:
    """Remembers what was asked for; all of it is part of the repository."""

    def __init__(self) -> None:
        self.places: list[set[str]] = []

    def __call__(self, places: Sequence[str]) -> frozenset[str]:
        self.places.append(set(places))
        return frozenset()


def places(shares: Sequence[Share]) -> list[str]:
    return [share.place for share in shares]


@pytest.mark.parametrize(("place", "files"), PRESENT.items(), ids=PRESENT)
def test_dependencies_apart_from_the_repository_are_found(
    tmp_path: Path, place: str, files: Sequence[str]
) -> None:
    [share] = dependencies.find(laid_out(tmp_path, files), everything)
    assert (share.place, share.source) == (place, str(tmp_path / place))


@pytest.mark.parametrize(("place", "files"), PRESENT.items(), ids=PRESENT)
def test_what_is_part_of_the_repository_is_not_shared(
    tmp_path: Path, place: str, files: Sequence[str]
) -> None:
    top = laid_out(tmp_path, files)
    assert dependencies.find(top, lambda asked: frozenset(asked) - {place}) == ()


BUILT = {
    "dist": "dist/shiny.whl",
    "build": "build/lib/shiny.py",
    "target": "target/debug/shiny",
    ".next": ".next/server/page.js",
    "_build": "_build/dev/lib/shiny.beam",
    "src/shiny.egg-info": "src/shiny.egg-info/entry_points.txt",
    "node_modules without a project": "node_modules/a/index.js",
    "vendor of nobody": "vendor/a.c",
    "deps of nobody": "deps/a.c",
    "an empty name": ".venv/nothing",
}


@pytest.mark.parametrize("file", BUILT.values(), ids=BUILT)
def test_what_was_built_and_what_only_has_a_name_is_not_shared(tmp_path: Path, file: str) -> None:
    assert dependencies.find(laid_out(tmp_path, [file]), everything) == ()


def test_git_is_not_asked_where_nothing_looks_like_dependencies(tmp_path: Path) -> None:
    laid_out(tmp_path, ["src/a.py", "docs/index.md"])
    asked = Asked()
    dependencies.find(str(tmp_path), asked)
    assert asked.places == []


def test_git_is_asked_once_for_all_candidates(tmp_path: Path) -> None:
    laid_out(tmp_path, [".venv/pyvenv.cfg", "package.json", "node_modules/a/index.js"])
    asked = Asked()
    dependencies.find(str(tmp_path), asked)
    assert asked.places == [{".venv", "node_modules"}]


def test_what_lies_in_shared_directories_is_not_shared_once_more(tmp_path: Path) -> None:
    laid_out(tmp_path, [".venv/pyvenv.cfg", ".venv/node_modules/.package-lock.json"])
    assert places(dependencies.find(str(tmp_path), everything)) == [".venv"]


WORKSPACES = {
    "package.json": '{"workspaces": ["a/b/c/*"]}',
    "package.json of yarn": '{"workspaces": {"packages": ["a/b/c/*"]}}',
    "pnpm-workspace.yaml": "packages:\n  - 'a/b/c/*'  # all\n  - '!**/test/**'\n",
    "lerna.json": '{"packages": ["a/b/c/*"]}',
}


@pytest.mark.parametrize(("name", "text"), WORKSPACES.items(), ids=WORKSPACES)
def test_workspaces_are_looked_at_however_deep_they_are(
    tmp_path: Path, name: str, text: str
) -> None:
    laid_out(tmp_path, ["a/b/c/d/package.json", "a/b/c/d/node_modules/x/package.json"])
    (tmp_path / name.partition(" ")[0]).write_text(text)
    assert places(dependencies.find(str(tmp_path), everything)) == ["a/b/c/d/node_modules"]


BROKEN = ["{", "[]", '{"workspaces": 3}', '{"workspaces": [3, "../.."]}', "[" * 100_000]


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:24])
def test_a_broken_list_of_workspaces_names_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json").write_text(text)
    assert dependencies.find(str(tmp_path), everything) == ()


def test_a_pipe_in_place_of_a_list_of_workspaces_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "package.json")
    assert dependencies.find(str(tmp_path), everything) == ()


def test_only_the_upper_levels_are_looked_at(tmp_path: Path) -> None:
    laid_out(tmp_path, ["a/b/.venv/pyvenv.cfg", "a/b/c/.venv/pyvenv.cfg"])
    assert places(dependencies.find(str(tmp_path), everything)) == ["a/b/.venv"]


def test_other_repositories_inside_are_not_looked_at(tmp_path: Path) -> None:
    laid_out(tmp_path, ["other/.git/HEAD", "other/.venv/pyvenv.cfg"])
    assert dependencies.find(str(tmp_path), everything) == ()


def test_the_programs_of_dependencies_are_known(tmp_path: Path) -> None:
    laid_out(
        tmp_path, ["package.json", "node_modules/.bin/tsc", "vendor/bundle/ruby/3.1.0/bin/rake"]
    )
    laid_out(tmp_path, [".venv/pyvenv.cfg"])
    found = dependencies.find(str(tmp_path), everything)
    assert {share.place: share.programs for share in found} == {
        ".venv": ("bin",),
        "node_modules": (".bin",),
        "vendor/bundle": ("ruby/3.1.0/bin",),
    }


def test_a_link_to_an_environment_elsewhere_shows_that(tmp_path: Path) -> None:
    laid_out(tmp_path / "envs", ["shiny/pyvenv.cfg"])
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout/.venv").symlink_to("../envs/shiny")
    [share] = dependencies.find(str(tmp_path / "checkout"), everything)
    assert (share.place, share.source) == (".venv", str(tmp_path / "envs/shiny"))


@pytest.mark.parametrize("name", ["node_modules", ".venv", "vendor", ".tox", ".pnp.cjs"])
def test_a_link_to_anything_else_shows_nothing(tmp_path: Path, name: str) -> None:
    laid_out(tmp_path, ["home/.ssh/id_rsa", "checkout/package.json"])
    (tmp_path / "checkout" / name).symlink_to("../home")
    assert dependencies.find(str(tmp_path / "checkout"), everything) == ()


def test_metadata_of_a_package_that_an_environment_has_from_the_checkout_is_shared(
    tmp_path: Path,
) -> None:
    """An environment of `setup.py develop`: without it no entry point is found."""
    packages = ".venv/lib/python3.11/site-packages"
    laid_out(
        tmp_path, [".venv/pyvenv.cfg", f"{packages}/shiny.egg-link", "src/shiny.egg-info/PKG-INFO"]
    )
    (tmp_path / packages / "shiny.egg-link").write_text(f"{tmp_path}/src\n.")
    assert places(dependencies.find(str(tmp_path), everything)) == [".venv", "src/shiny.egg-info"]


def test_metadata_that_is_a_link_is_not_shared(tmp_path: Path) -> None:
    packages = "checkout/.venv/lib/python3.11/site-packages"
    laid_out(tmp_path, ["checkout/.venv/pyvenv.cfg", "home/.ssh/keys", "other/y.egg-info/keys"])
    laid_out(tmp_path, [f"{packages}/shiny.egg-link", f"{packages}/other.egg-link"])
    (tmp_path / "checkout/shiny.egg-info").symlink_to("../home/.ssh")
    (tmp_path / "checkout/way").symlink_to("../other")
    (tmp_path / packages / "shiny.egg-link").write_text(f"{tmp_path}/checkout\n.")
    (tmp_path / packages / "other.egg-link").write_text(f"{tmp_path}/checkout/way\n.")
    assert places(dependencies.find(str(tmp_path / "checkout"), everything)) == [".venv"]


def test_a_workspace_behind_a_link_has_no_dependencies(tmp_path: Path) -> None:
    laid_out(tmp_path, ["other/a/package.json", "other/a/node_modules/.bin/tsc", "checkout/x"])
    (tmp_path / "checkout/lib").symlink_to("../other")
    (tmp_path / "checkout/package.json").write_text('{"workspaces": ["lib/*", "lib/a"]}')
    assert dependencies.find(str(tmp_path / "checkout"), everything) == ()


def test_a_link_to_all_of_the_checkout_shows_nothing(tmp_path: Path) -> None:
    laid_out(tmp_path, ["pyvenv.cfg", "checkout/x"])
    (tmp_path / "checkout/.venv").symlink_to("..")
    assert dependencies.find(str(tmp_path / "checkout"), everything) == ()


def test_programs_behind_a_link_out_of_the_dependencies_are_none(tmp_path: Path) -> None:
    laid_out(tmp_path, ["home/.ssh/keys", "envs/a/pyvenv.cfg", "node_modules/.package-lock.json"])
    (tmp_path / "envs/a/bin").symlink_to("../../home/.ssh")
    (tmp_path / "node_modules/.bin").symlink_to("../home/.ssh")
    (tmp_path / ".venv").symlink_to("envs/a")
    found = dependencies.find(str(tmp_path), everything)
    assert {share.place: share.programs for share in found} == {
        ".venv": (), "envs/a": (), "node_modules": ()
    }  # fmt: skip


@pytest.mark.parametrize("place", ["vendor", ".venv", "way/node_modules"])
def test_a_link_in_a_layer_is_no_share(tmp_path: Path, place: str) -> None:
    """A setup command made it."""
    laid_out(tmp_path, ["home/pyvenv.cfg", "home/node_modules/.bin/x", "home/autoload.php"])
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / place.partition("/")[0]).symlink_to("../home")
    assert dependencies.of_layer(str(tmp_path / "layer"), place) is None


def test_any_path_of_a_layer_is_a_share(tmp_path: Path) -> None:
    laid_out(tmp_path, ["built/x", "file"])
    for place in ("built", "file"):
        share = Share(place, str(tmp_path / place), place)
        assert dependencies.of_layer(str(tmp_path), place) == share


ENDLESS = {
    "levels": json.dumps({"workspaces": ["/".join("*" * 9)]}),
    "stars": json.dumps({"workspaces": ["*a" * 12 + "b"]}),
    "patterns": json.dumps({"workspaces": ["*b*/*/c"] * 90_000}),
}
YAML = {
    "lines": "packages:" + "\n" * 200_000,
    "blanks": "packages:\n- " + " " * 200_000 + "x'y",
    "quotes": "packages:\n" + "- 'x\n" * 100_000,
}


def hostile(top: Path, name: str, text: str) -> str:
    """A checkout with many directories, links in a circle and names that fit in many ways."""
    for number in range(12):
        laid_out(top, [f"d{number}/{'a' * 200}{inner}/x" for inner in range(12)])
        (top / f"l{number}").symlink_to(".")
    laid_out(top, ["a" * 100 + "/x"])
    (top / name).write_text(text)
    return str(top)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("package.json", text) for text in ENDLESS.values()),
        *(("pnpm-workspace.yaml", text) for text in YAML.values()),
    ],
    ids=[*ENDLESS, *YAML],
)
def test_no_list_of_workspaces_keeps_anybody_waiting(tmp_path: Path, name: str, text: str) -> None:
    top = hostile(tmp_path, name, text)
    assert dependencies.find(top, everything) == ()


def test_metadata_elsewhere_is_not_shared(tmp_path: Path) -> None:
    packages = "checkout/.venv/lib/python3.11/site-packages"
    laid_out(tmp_path, ["checkout/.venv/pyvenv.cfg", "other/shiny.egg-info/PKG-INFO"])
    laid_out(tmp_path, [f"{packages}/shiny.egg-link"])
    (tmp_path / packages / "shiny.egg-link").write_text(f"{tmp_path}/other\n.")
    assert places(dependencies.find(str(tmp_path / "checkout"), everything)) == [".venv"]
