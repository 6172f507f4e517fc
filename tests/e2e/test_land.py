"""A finished plan goes to the user's branch: every way to land, and what must never be overwritten
on the way.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Prepared, Repo, data, writing

from git_orch.flow.branch import target
from git_orch.plans.history.status import Move
from git_orch.repo.objects import objects, signed_commits
from git_orch.repo.repository import discover

KEY = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]


class Scene:
    """A repository with a complete plan of two steps, and main checked out in it."""

    def __init__(self, repo: Repo, plan: str) -> None:
        self.repo = repo
        self.plan = plan
        self.branch = f"orch/{self.plan}"
        self.tip = repo.git("rev-parse", self.branch)
        self.main = repo.git("rev-parse", "main")

    def land(self, *words: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        return self.repo.orch("land", self.plan, *words, expect=expect)

    def now(self, ref: str = "main") -> str:
        return self.repo.git("rev-parse", ref)

    def subjects(self, *span: str) -> list[str]:
        """Of the commits on main since the plan began, newest first along first parents."""
        return self.repo.git(
            "log", "--first-parent", "--format=%s", *(span or (f"{self.main}..main",))
        ).splitlines()

    def landed(self) -> dict[str, object]:
        """The event of the landing."""
        lines = data(self.repo.orch("log", self.plan, "--json").stdout)
        found: dict[str, object] = next(
            line for line in reversed(lines) if line["event"] == "plan.landed"
        )
        return found


@pytest.fixture
def scene(tmp_path: Path, prepared: Prepared) -> Scene:
    """A complete plan."""

    def build(repo: Repo) -> str:
        plan = repo.plan(writing("a.txt", "dir/b.txt"))
        repo.orch("exec", plan)
        return plan

    return Scene(*prepared.at(tmp_path / "repo", "two done, one in a directory", build))


# -- the ways to land ------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["clean", "smudge", "process"])
def test_a_filter_that_only_the_repository_has_runs_in_no_landing(
    scene: Scene, tmp_path: Path, setting: str
) -> None:
    """It would run outside of the sandbox; without it the files would be written as they are stored."""
    repo = scene.repo
    (repo.path / ".git/info/attributes").write_text("a.txt filter=evil\n")
    program = f"sh -c 'touch {tmp_path}/MARK; cat'"
    repo.git("config", f"filter.evil.{setting}", program)
    refused = scene.land(expect=3)
    assert "'a.txt' has the filter 'evil'" in refused.stderr
    assert (scene.now(), (tmp_path / "MARK").exists()) == (scene.main, False)
    repo.follow(refused.stderr)
    repo.git("config", "--global", f"filter.evil.{setting}", program)
    if setting != "process":
        scene.land()
        assert (repo.path / "a.txt").read_text() == "a.txt\n"


def test_a_filter_of_the_user_lands_whatever_the_repository_says_of_it_beside(scene: Scene) -> None:
    (scene.repo.path / ".git/info/attributes").write_text("a.txt filter=mine\n")
    for scope, required in (("--global", "true"), ("--local", "false")):
        scene.repo.git("config", scope, "filter.mine.required", required)
    scene.repo.git("config", "--global", "filter.mine.smudge", "tr a-z A-Z")
    scene.repo.git("config", "filter.mine.smudge", "tr a-z A-Z")
    scene.repo.git("config", "--global", "filter.mine.clean", "tr A-Z a-z")
    scene.land()
    assert (scene.repo.path / "a.txt").read_text() == "A.TXT\n"


def test_a_filter_that_only_the_repository_has_is_no_matter_for_other_files(
    scene: Scene, tmp_path: Path
) -> None:
    (scene.repo.path / ".git/info/attributes").write_text("README.md filter=evil\n")
    scene.repo.git("config", "filter.evil.smudge", f"touch {tmp_path}/MARK; cat")
    scene.land()
    assert not (tmp_path / "MARK").exists()


def test_a_merge_commit_brings_the_branch_and_its_files(scene: Scene) -> None:
    done = scene.land()
    assert "landed on 'main' (merge)" in done.stdout
    assert scene.subjects() == ["Merge plan: Write files"]
    assert scene.now("main^2") == scene.tip
    assert (scene.repo.path / "dir/b.txt").read_text() == "dir/b.txt\n"
    assert scene.repo.git("status", "--porcelain") == ""


def test_a_rebase_leaves_the_cover_out(scene: Scene) -> None:
    upstream = scene.repo.commit({"c.txt": "c\n"})
    scene.land("--rebase")
    assert scene.subjects() == ["Write dir/b.txt", "Write a.txt", "change"]
    assert scene.now("main~2") == upstream
    assert scene.landed()["commits"] == {"s1": scene.now("main~1"), "s2": scene.now("main")}


def test_of_several_ways_to_land_the_last_one_counts(scene: Scene) -> None:
    assert "(squash)" in scene.land("--merge", "--squash", "--dry-run").stdout


def test_a_squash_is_one_commit_that_claims_every_step(scene: Scene) -> None:
    mine = scene.repo.git(
        "commit-tree", "-p", scene.branch, "-m", "my own touch", f"{scene.branch}^{{tree}}"
    )
    scene.repo.git("update-ref", f"refs/heads/{scene.branch}", mine)
    scene.land("--squash")
    message = scene.repo.git("log", "-1", "--format=%B", "main")
    assert scene.subjects() == ["Write files"]
    assert message.count(f"\nOrch-Step: {scene.plan}/s") == 2
    assert "my own touch" in message
    assert scene.landed()["commits"] == dict.fromkeys(("s1", "s2"), scene.now())


@pytest.mark.parametrize(
    ("way", "option", "subjects"),
    [
        ("squash", (), ["Write files"]),
        ("rebase", (), ["Write dir/b.txt", "Write a.txt"]),
        ("squash", ("--rebase",), ["Write dir/b.txt", "Write a.txt"]),
    ],
)
def test_the_usual_way_to_land_is_a_setting(
    scene: Scene, way: str, option: tuple[str, ...], subjects: list[str]
) -> None:
    scene.repo.git("config", "--global", "orch.land", way)
    scene.land(*option)
    assert scene.subjects() == subjects


def test_a_squash_is_signed_off_where_the_user_wants_it(scene: Scene) -> None:
    scene.repo.git("config", "--global", "orch.signoff", "true")
    scene.land("--squash")
    form = "--format=%(trailers:key=Signed-off-by,valueonly)"
    me = scene.repo.git("log", "-1", "--format=%cn <%ce>", "main")
    assert scene.repo.git("log", "-1", form, "main") == me


def test_a_rebase_and_a_squash_leave_out_steps_that_changed_nothing(repo: Repo) -> None:
    write = {"title": "Write", "run": "echo > a.txt", "why": "It was asked for."}
    steps = [{"title": "Look", "run": "true"}, write]
    for way in ("--rebase", "--squash"):
        repo.plan({"title": f"A {way[2:]}", "steps": steps})
        repo.orch("exec")
        repo.orch("land", way)
        message = repo.git("log", "--format=%B", "-1")
        assert ("Look" in message, "It was asked for." in message) == (False, True)
        assert repo.git("log", "-1", "--format=%s", "HEAD~1") != "Look"
        steps[1]["run"] = "echo 2 > a.txt"


def test_fast_forward_moves_main_to_the_tip(scene: Scene) -> None:
    scene.land("--ff-only")
    assert scene.now() == scene.tip


def test_fast_forward_of_a_branch_that_moved_on_is_refused(scene: Scene) -> None:
    scene.repo.commit({"c.txt": "c\n"})
    refused = scene.land("--ff-only", expect=3)
    assert "hint: git orch rebase" in refused.stderr


def test_a_branch_that_is_not_checked_out_is_moved_with_a_reflog_entry(scene: Scene) -> None:
    scene.repo.git("switch", "-q", "-c", "elsewhere")
    scene.land("--onto", "main")
    assert scene.subjects() == ["Merge plan: Write files"]
    assert "land on main" in scene.repo.git("log", "-g", "-1", "--format=%gs", "main")
    assert not (scene.repo.path / "a.txt").exists()


def test_a_linked_worktree_that_has_the_branch_gets_the_files(scene: Scene, tmp_path: Path) -> None:
    scene.repo.git("switch", "-q", "-c", "elsewhere")
    scene.repo.git("worktree", "add", "-q", str(tmp_path / "theirs"), "main")
    scene.land("--onto", "main")
    assert (tmp_path / "theirs/a.txt").read_text() == "a.txt\n"
    assert scene.repo.git("status", "--porcelain", cwd=tmp_path / "theirs") == ""


def test_a_linked_worktree_that_is_gone_is_named_with_the_command_that_forgets_it(
    scene: Scene, tmp_path: Path
) -> None:
    scene.repo.git("worktree", "add", "-q", "-b", "release", str(tmp_path / "gone"), "main")
    shutil.rmtree(tmp_path / "gone")
    assert "hint: git worktree prune" in scene.land("--onto", "release", expect=6).stderr


def test_a_bare_repository_is_landed_in(scene: Scene, tmp_path: Path) -> None:
    bare = Repo(tmp_path / "bare.git")
    scene.repo.git("clone", "-q", "--bare", str(scene.repo.path), str(bare.path))
    bare.git("fetch", "-q", str(scene.repo.path), "+refs/notes/orch/*:refs/notes/orch/*")
    bare.orch("approve", scene.plan)
    bare.orch("land", scene.plan)
    assert bare.git("log", "-1", "--format=%s", "main") == "Merge plan: Write files"


def test_a_dry_run_moves_nothing(scene: Scene) -> None:
    refs = scene.repo.git("for-each-ref")
    told = data(scene.land("--dry-run", "--squash", "--json").stdout)
    assert scene.repo.git("for-each-ref") == refs
    assert (told["mode"], told["from"], sorted(told["commits"])) == (
        "squash",
        scene.main,
        ["s1", "s2"],
    )


# -- what stands in the way ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["changed", "untracked", "ignored", "ignored directory"])
def test_a_file_that_is_not_committed_is_never_overwritten(scene: Scene, kind: str) -> None:
    repo = scene.repo
    repo.commit({".gitignore": "a.txt\n"} if kind.startswith("ignored") else {})
    repo.git(
        "update-ref", f"refs/heads/{scene.branch}", _with_file(repo, scene.branch, "README.md")
    )
    name = {"changed": "README.md", "ignored directory": "a.txt/mine"}.get(kind, "a.txt")
    repo.write({name: "mine\r\n"})
    before = (repo.git("rev-parse", "main"), (repo.path / ".git/index").read_bytes(), _files(repo))

    refused = scene.land(expect=6)

    assert f"are in the way: '{name.partition('/')[0]}" in refused.stderr
    assert (
        repo.git("rev-parse", "main"),
        (repo.path / ".git/index").read_bytes(),
        _files(repo),
    ) == before


def test_an_ignored_file_is_not_overwritten_on_a_branch_without_a_commit(scene: Scene) -> None:
    scene.repo.git("checkout", "-q", "--orphan", "empty")
    scene.repo.git("rm", "-q", "-r", "--cached", ".")
    (scene.repo.path / ".git/info/exclude").write_text("*.md\n")
    assert "in the way: 'README.md'" in scene.land("--onto", "empty", expect=6).stderr
    (scene.repo.path / "README.md").unlink()
    scene.land("--onto", "empty")
    assert scene.now("empty") == scene.tip


def _files(repo: Repo) -> dict[str, bytes]:
    """Every byte in the work tree."""
    found = [path for path in repo.path.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path): path.read_bytes() for path in found}


def _with_file(repo: Repo, commit: str, name: str) -> str:
    """A commit on top that changes a file at the top of the tree."""
    blob = repo.git("hash-object", "-w", "--stdin", stdin="theirs\n")
    listed = [
        line for line in repo.git("ls-tree", commit).splitlines() if not line.endswith(f"\t{name}")
    ]
    tree = repo.git("mktree", stdin="\n".join([*listed, f"100644 blob {blob}\t{name}", ""]))
    return repo.git("commit-tree", "-p", commit, "-m", "mine", tree)


def test_local_changes_that_are_not_in_the_way_stay(scene: Scene) -> None:
    """Whatever the user has set for merges of their own."""
    scene.repo.git("config", "branch.main.mergeOptions", "--squash")
    scene.repo.git("config", "merge.autoStash", "true")
    scene.repo.write({"README.md": "changed\n", "note.txt": "mine\n"})
    scene.repo.git("add", "README.md")
    scene.land()
    assert scene.repo.git("status", "--porcelain").splitlines() == ["M  README.md", "?? note.txt"]


def test_files_that_the_plan_began_with_are_committed_first(repo: Repo) -> None:
    """They are in the checkout and in the plan: once they are in both histories, a merge finds them
    the same.
    """
    repo.write({"README.md": "changed\n", "new file.txt": "mine\n"})
    repo.orch("plan", "--from", "-", "--include-dirty", stdin=json.dumps(writing("a.txt")))
    repo.orch("exec")
    said = repo.orch("land", expect=6).stderr
    hint = said.rpartition("hint: ")[2].partition("  #")[0]
    assert "'new file.txt'" in hint
    subprocess.run(["sh", "-c", f"{hint} -q -m 'What I had'"], check=True)
    repo.orch("land")
    assert repo.git("status", "--porcelain") == ""
    assert (repo.path / "README.md").read_text() == "changed\n"


def test_options_that_the_configuration_adds_to_merges_do_not_count(scene: Scene) -> None:
    """With `--strategy=ours` git would make a merge that leaves the plan out."""
    scene.repo.git("config", "branch.main.mergeOptions", "--strategy=ours")
    scene.land("--ff-only")
    assert scene.now() == scene.tip


def test_a_merge_in_progress_is_not_disturbed(scene: Scene) -> None:
    scene.repo.git("switch", "-q", "-c", "side")
    scene.repo.commit({"README.md": "side\n"})
    scene.repo.git("switch", "-q", "main")
    scene.repo.commit({"README.md": "main\n"})
    scene.repo.git("merge", "side", expect=1)
    refused = scene.land(expect=6)
    assert "a merge is not finished" in refused.stderr


def test_a_bisect_is_not_disturbed(scene: Scene) -> None:
    scene.repo.git("bisect", "start")
    assert "a bisect is not finished" in scene.land(expect=6).stderr
    assert scene.now() == scene.main


@pytest.mark.parametrize("mode", ["--merge", "--rebase", "--squash"])
def test_a_conflict_names_paths_and_steps_and_moves_nothing(scene: Scene, mode: str) -> None:
    scene.repo.commit({"dir/b.txt": "theirs\n"})
    refs = scene.repo.git("for-each-ref")
    foretold, refused = scene.land(mode, "--dry-run", expect=7), scene.land(mode, expect=7)
    assert "'dir/b.txt' (step 2)" in foretold.stderr
    assert "'dir/b.txt' (step 2)" in refused.stderr
    assert "then: git orch done" in refused.stderr
    listed = scene.repo.git("for-each-ref").splitlines()
    assert [line for line in listed if "refs/orch/kept/" not in line] == refs.splitlines()


def test_a_plan_that_is_not_done_does_not_land(scene: Scene) -> None:
    scene.repo.orch("rollback", "--to-step", "1", scene.plan)
    assert "step 2" in scene.land(expect=3).stderr
    assert scene.now() == scene.main


def test_a_part_lands_and_the_rest_follows(scene: Scene) -> None:
    scene.repo.orch("rollback", "--to-step", "1", scene.plan)
    scene.land("--partial", "--rebase")
    scene.repo.orch("exec", scene.plan)
    scene.land("--rebase")
    assert scene.subjects() == ["Write dir/b.txt", "Write a.txt"]


@pytest.mark.parametrize("revision", ["main~0", "main@{0}", "HEAD"])
def test_a_commit_that_is_no_branch_is_no_target(scene: Scene, revision: str) -> None:
    assert f"no branch '{revision}'" in scene.land("--onto", revision, expect=5).stderr


def test_a_branch_whose_name_is_not_utf8_is_neither_base_nor_target(repo: Repo) -> None:
    """No log can hold it; the plan is made and carried out all the same."""
    name = os.fsdecode(b"caf\xe9")
    repo.git("switch", "-q", "-c", name)
    repo.plan(writing("a.txt"))
    repo.orch("exec")
    assert "the plan was made on a detached HEAD" in repo.orch("land", expect=2).stderr
    assert (
        "has characters that cannot be stored" in repo.orch("land", "--onto", name, expect=3).stderr
    )


def test_the_hint_of_a_conflict_with_another_branch_names_it_for_a_shell(scene: Scene) -> None:
    scene.repo.git("branch", "a;b", scene.repo.commit({"a.txt": "theirs\n"}))
    assert (
        f"git orch land {scene.repo.handle(scene.plan)} --onto 'a;b'"
        in scene.land("--onto", "a;b", "--dry-run", expect=7).stderr
    )


def test_a_branch_that_stands_for_a_ref_of_another_kind_is_no_target(scene: Scene) -> None:
    scene.repo.git("update-ref", "refs/notes/x", "main")
    scene.repo.git("symbolic-ref", "refs/heads/alias", "refs/notes/x")
    refused = scene.land("--onto", "alias", expect=3)
    assert "'alias' stands for 'refs/notes/x', which is no branch" in refused.stderr
    assert scene.now("refs/notes/x") == scene.main


def test_the_branch_of_another_plan_is_no_target(scene: Scene) -> None:
    other = scene.repo.plan(writing("c.txt"))
    assert "is the branch of a plan" in scene.land("--onto", f"orch/{other}", expect=3).stderr


# -- signatures ------------------------------------------------------------------------------------


@pytest.fixture
def signing(hermetic: Path) -> Path:
    """The user signs commits with this SSH key."""
    subprocess.run([*KEY, hermetic / "key"], check=True)
    (hermetic / "signers").write_text(f"ada@example.com {(hermetic / 'key.pub').read_text()}")
    for name, value in (
        ("gpg.format", "ssh"), ("user.signingKey", "~/key.pub"), ("commit.gpgSign", "true"),
        ("gpg.ssh.allowedSignersFile", str(hermetic / "signers")),
    ):  # fmt: skip
        subprocess.run(["git", "config", "--global", name, value], check=True)
    return hermetic / "key"


def test_commits_that_are_written_are_signed_as_the_user_signs(scene: Scene, signing: Path) -> None:
    upstream = scene.repo.git("commit-tree", "-p", "main", "-m", "upstream", "main^{tree}")
    scene.repo.git("update-ref", "refs/heads/main", upstream)
    scene.land("--rebase")
    assert scene.repo.git("log", "-2", "--format=%G? %an %s", "main").splitlines() == [
        "G Ada Tester Write dir/b.txt",
        "G Ada Tester Write a.txt",
    ]


def test_a_key_that_does_not_sign_moves_nothing(scene: Scene, signing: Path) -> None:
    signing.unlink()
    refs = scene.repo.git("for-each-ref")
    refused = scene.land(expect=128)
    assert "could not be signed" in refused.stderr
    assert "hint: git -c commit.gpgSign=false orch land" in refused.stderr
    assert scene.repo.git("for-each-ref") == refs


def test_a_signing_program_that_the_repository_names_is_not_run(
    scene: Scene, signing: Path, tmp_path: Path
) -> None:
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/MARK\nexit 1\n")
    evil.chmod(0o755)
    scene.repo.git("config", "gpg.ssh.program", str(evil))
    scene.land()
    assert not (tmp_path / "MARK").exists()


@pytest.mark.parametrize("onto", ["main", "other"], ids=["checked out", "elsewhere"])
def test_a_branch_that_moves_while_commits_are_signed_is_left_there(
    scene: Scene, signing: Path, tmp_path: Path, onto: str
) -> None:
    scene.repo.git("branch", "other", "main")
    theirs = scene.repo.git("commit-tree", "-p", "main", "-m", "theirs", "main^{tree}")
    slow = tmp_path / "slow"
    moving = f"git -C {scene.repo.path} update-ref refs/heads/{onto} {theirs}"
    slow.write_text(f'#!/bin/sh\n{moving}\nexec ssh-keygen "$@"\n')
    slow.chmod(0o755)
    subprocess.run(["git", "config", "--global", "gpg.ssh.program", str(slow)], check=True)
    said = scene.land("--squash", "--onto", onto, expect=6).stderr
    assert scene.now(onto) == theirs
    scene.repo.follow(said)
    assert scene.now(f"{onto}~1") == theirs


def test_a_key_that_is_never_unlocked_does_not_hold_the_command_up(
    scene: Scene, signing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What git has started to sign with ends as well."""
    hangs = tmp_path / "hangs"
    hangs.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/started\nexec sleep 600\n")
    hangs.chmod(0o755)
    subprocess.run(["git", "config", "--global", "gpg.ssh.program", str(hangs)], check=True)
    monkeypatch.setattr(signed_commits, "_TIMEOUT", 0.5)
    repository = discover(scene.repo.path)
    with (
        contextlib.closing(objects.opened(repository)) as database,
        pytest.raises(signed_commits.NotSigned, match="was not unlocked"),
    ):
        signed_commits.signed(repository, database, [scene.tip])
    with contextlib.suppress(ProcessLookupError):  # it is gone already
        ended = os.pidfd_open(int((tmp_path / "started").read_text()))
        assert select.select([ended], [], [], 10)[0] == [ended]


# -- what somebody else has merged -----------------------------------------------------------------


def _squash_merge(scene: Scene) -> str:
    """A forge's squash: the changes in one commit, whose message has none of our trailers. Logs are
    set to be short.
    """
    scene.repo.git("config", "format.pretty", "%h")
    scene.repo.commit({"c.txt": "c\n"})
    scene.repo.git("merge", "-q", "--squash", scene.branch)
    scene.repo.git("commit", "-q", "-m", "Squashed (#12)")
    squash = scene.now()
    scene.repo.commit({"d.txt": "d\n"})
    return squash


def _rebase_merge(scene: Scene) -> str:
    """A forge's rebase merge: other commits with the same trailers."""
    scene.repo.commit({"c.txt": "c\n"})
    scene.repo.git("cherry-pick", f"{scene.branch}~1", scene.branch)
    return scene.now()


@pytest.mark.parametrize("merge", [_squash_merge, _rebase_merge], ids=["squash", "rebase"])
def test_what_a_forge_merged_is_seen(scene: Scene, merge: object) -> None:
    assert callable(merge)
    commit = merge(scene)
    before = scene.now()
    for command in (("show", scene.plan), ("status", scene.plan), ("status",)):
        assert f"merged into main by somebody, as {commit[:10]}" in scene.repo.orch(*command).stdout

    done = scene.land()

    assert "nothing to land" in done.stdout
    assert scene.now() == before
    assert (scene.landed()["mode"], scene.landed()["to"]) == ("found", commit)


def test_what_was_merged_with_a_conflict_resolved_is_not_merged_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.repo.commit({"dir/b.txt": "theirs\n"})
    scene.repo.git("cherry-pick", f"{scene.branch}~1", scene.branch, expect=1)
    scene.repo.write({"dir/b.txt": "both\n"})
    scene.repo.git("add", "-A")
    # Later than the commits that were picked.
    monkeypatch.setenv("GIT_COMMITTER_DATE", "@4000000000 +0000")
    scene.repo.git("-c", "core.editor=true", "cherry-pick", "--continue")
    assert "nothing to land" in scene.land().stdout


def test_what_another_attempt_made_of_the_steps_is_not_taken_for_them(scene: Scene) -> None:
    """They were picked, and then done again."""
    said = scene.repo.git("log", "--format=%B", f"{scene.main}..{scene.branch}")
    scene.repo.commit(
        {"old.txt": "old\n"},
        re.sub("(?m)^(Orch-Step: .*@).*", "\\g<1>01K00000000000000000000000", said),
    )
    scene.land("--rebase")
    assert scene.subjects()[:2] == ["Write dir/b.txt", "Write a.txt"]


def test_a_step_that_was_amended_after_it_was_picked_lands_as_it_is_now(scene: Scene) -> None:
    scene.repo.orch("pick", scene.plan, "1-2")
    scene.repo.git("switch", "-q", scene.branch)
    scene.repo.write({"c.txt": "amended\n"})
    scene.repo.git("add", "c.txt")
    scene.repo.git("commit", "-q", "--amend", "--no-edit")
    scene.repo.git("switch", "-q", "main")
    scene.land()
    assert (scene.repo.path / "c.txt").read_text() == "amended\n"


def test_a_plan_that_was_merged_and_its_branch_deleted_is_seen(scene: Scene) -> None:
    scene.repo.git("merge", "-q", "--no-ff", "-m", "merged", scene.branch)
    scene.repo.git("branch", "-q", "-D", scene.branch)
    assert "nothing to land" in scene.land().stdout
    assert scene.landed()["commits"] == {"s1": scene.now(f"{scene.tip}~1"), "s2": scene.tip}


def test_a_revert_on_main_is_not_taken_for_the_step(scene: Scene) -> None:
    scene.repo.commit({"c.txt": "c\n"})
    scene.repo.git("cherry-pick", f"{scene.branch}~1", scene.branch)
    scene.repo.git("revert", "--no-edit", "HEAD")
    assert "by somebody" not in scene.repo.orch("show", scene.plan).stdout


# -- what a cut-off landing, or a log of somebody else's, leaves -----------------------------------


def test_a_name_in_a_log_that_is_no_branch_never_reaches_git(repo: Repo, tmp_path: Path) -> None:
    oid = repo.git("rev-parse", "main")
    hostile = Move(
        "01K00000000000000000000000", "here", f"--output={tmp_path}/made", None, oid, "land"
    )
    assert not target.is_done(discover(repo.path), hostile)
    assert not (tmp_path / "made").exists()
