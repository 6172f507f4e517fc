"""The change that a reviewing model sees, and its name."""

from __future__ import annotations

from git_orch.plans import change as changes

PATCH = b"""\
diff --git a/a.txt b/a.txt
index 1111111..2222222 100644
--- a/a.txt
+++ b/a.txt
@@ -1,2 +1,3 @@ def f():
 one
+two
"""


def section(name: str, lines: int) -> bytes:
    head = f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n"
    return head.encode() + b"+word word word\n" * lines


def test_a_change_keeps_its_name_where_others_moved_it() -> None:
    moved = PATCH.replace(b"@@ -1,2 +1,3 @@", b"@@ -41,2 +51,3 @@").replace(b"2222222", b"3333333")
    one, other = changes.change(PATCH, ()), changes.change(moved, ())
    assert one.digest == other.digest
    assert "index" not in one.text


def test_a_change_of_no_file_has_a_name_as_well() -> None:
    empty = changes.change(b"", ())
    assert (empty.text, empty.cut) == ("", ())
    assert empty.digest != changes.change(PATCH, ()).digest


def test_another_line_gives_a_change_another_name() -> None:
    other = changes.change(PATCH.replace(b"+two", b"+too"), ())
    assert other.digest != changes.change(PATCH, ()).digest


def test_a_line_that_looks_like_the_place_of_a_hunk_counts() -> None:
    one = changes.change(PATCH + b"+@@ -1 +1 @@\n", ())
    assert one.digest != changes.change(PATCH + b"+@@ -2 +2 @@\n", ()).digest


def test_a_secret_is_not_shown_but_names_the_change() -> None:
    secret = PATCH.replace(b"two", b"hunter2hunter2")
    made = changes.change(secret, ["hunter2hunter2"])
    assert "hunter2" not in made.text
    assert made.digest != changes.change(PATCH, ()).digest


def test_a_long_file_is_cut_and_said_to_be() -> None:
    made = changes.change(section("big", 10_000) + section("small", 1), ())
    assert made.cut == ("a/big b/big",)
    assert len(made.text) < changes.LARGEST_FILE + 1_000
    assert "characters left out" in made.text
    assert made.text.endswith("+word word word\n")


def test_many_files_are_cut_and_all_are_named() -> None:
    names = [f"f{number}" for number in range(40)]
    made = changes.change(b"".join(section(name, 1_000) for name in names), ())
    assert len(made.text) < changes.LARGEST + 20_000
    assert all(f"diff --git a/{name} b/{name}" in made.text for name in names)


def test_what_is_cut_names_the_change_as_well() -> None:
    one, other = (section("big", 10_000) + tail for tail in (b"+a\n", b"+b\n"))
    middle = one.replace(b"+word word word\n", b"+word word evil\n", 5_000)
    digests = {changes.change(patch, ()).digest for patch in (one, other, middle)}
    assert len(digests) == 3


def test_a_file_that_is_no_text_is_named_alone() -> None:
    made = changes.change(PATCH.replace(b"+two", b"+\0two"), ())
    assert "a file that is no text" in made.text
    assert "two" not in made.text
