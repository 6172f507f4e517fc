"""What the gh program says of a commit, and times."""

from __future__ import annotations

import json

import pytest

from git_orch.plans import waits


def run(status: str, conclusion: str = "", name: str = "test") -> dict[str, str]:
    """A CI run as gh lists it."""
    return {"name": name, "status": status, "conclusion": conclusion}


DONE = run("completed", "success")


@pytest.mark.parametrize(
    ("listed", "passed", "words"),
    [
        ([DONE, run("completed", "skipped")], True, "2 CI runs passed"),
        ([DONE, run("in_progress")], None, "1 of 2 CI runs not over"),
        ([DONE, run("queued"), run("completed", "failure", "lint")], False, "the CI run 'lint' ended with failure"),
        ([run("completed")], False, "the CI run 'test' ended with no conclusion"),
        ([run("completed", "cancelled")], False, "the CI run 'test' ended with cancelled"),
        ([], None, "there is no CI run yet"),
        ({"message": "Not Found"}, None, "gh gave no list of runs"),
        ([5, None, {"status": []}], None, "1 of 1 CI run not over"),
    ],
)  # fmt: skip
def test_runs_are_over_when_all_passed_or_one_failed(
    listed: object, passed: object, words: str
) -> None:
    assert waits.ci(json.dumps(listed)) == (passed, words)


@pytest.mark.parametrize("text", ["", "{", "null", "[" * 100_000, "gh: not logged in"])
def test_what_is_no_json_is_no_verdict(text: str) -> None:
    assert waits.ci(text).passed is None
    assert waits.pull_request(text, "a").passed is None


def request(state: str = "OPEN", *checks: dict[str, str]) -> dict[str, object]:
    """A pull request as gh lists it."""
    return {"number": 7, "state": state, "headRefOid": "abc", "statusCheckRollup": [*checks]}


@pytest.mark.parametrize(
    ("listed", "passed", "words"),
    [
        ([request("MERGED")], True, "pull request 7 is merged"),
        ([request("CLOSED", DONE)], False, "pull request 7 is closed"),
        ([request("OPEN", run("COMPLETED", "SUCCESS"))], True, "1 check of pull request 7 passed"),
        ([request("OPEN", run("QUEUED"))], None, "1 of 1 check of pull request 7 not over"),
        ([request("OPEN", {"context": "ci/x", "state": "PENDING"})], None, "1 of 1 check of pull request 7 not over"),
        ([request("OPEN", {"context": "ci/x", "state": "ERROR"})], False,
         "the check of pull request 7 'ci/x' ended with error"),
        ([request("OPEN")], None, "there is no check of pull request 7 yet"),
        ([{**request(), "headRefOid": "other"}], None, "there is no pull request of its commit yet"),
        ([], None, "there is no pull request of its commit yet"),
    ],
)  # fmt: skip
def test_a_pull_request_is_green_when_its_checks_are(
    listed: object, passed: object, words: str
) -> None:
    assert waits.pull_request(json.dumps(listed), "abc") == (passed, words)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02T00:00Z", 86_400.0),
        ("1970-01-01 02:00:05+02:00", 5.0),
        ("1970-01-01T00:00:00.5-0130", 5_400.0),
        ("1970-01-01T00:00", None),
        ("1970-02-30T00:00Z", None),
        ("1970-01-01T24:00Z", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_time_needs_its_zone(text: str, seconds: float | None) -> None:
    assert waits.seconds_of(text) == seconds
