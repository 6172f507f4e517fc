"""Steps that reach the hosts of a list: what people approve, see and are told."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from conftest import Here, data


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a web server on this machine."""

    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer."""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"fetched\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as there
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def fetching(port: int, *hosts: str) -> dict[str, object]:
    """A plan whose steps may reach these hosts. The check of the first one tries, too."""
    fetch = f"curl -sSf http://localhost:{port}/"
    steps = [
        {"title": "Fetch", "run": f"{fetch} > a", "checks": [f"grep fetched a && ! {fetch}"]},
        {"title": "Make b", "run": "echo b > b", "network": False},
    ]
    return {"title": "Fetch it", "network": list(hosts), "steps": steps}


def test_a_step_reaches_the_hosts_that_were_approved_and_its_checks_reach_none(
    here: Here, port: int
) -> None:
    host = f"localhost:{port}"
    here.repo.git("config", "--global", "orch.privateHosts", host)
    plan = here.plan(fetching(port, "LOCALHOST:" + str(port), "a.example"))
    for command in (["check"], ["show", "--tasks"], ["exec", "--dry-run"]):
        assert f"asks for {host}, a.example" in here(*command, plan).out
    assert (
        f"network  for step 1: {host}, a.example\n" in here("approve", plan, "--network", "1").out
    )
    here("exec", plan)
    assert here.repo.git("show", f"orch/{plan}:a") == "fetched"
    [call] = data(here("audit", plan, "--tool", "network", "--json").out)
    assert (call["verdict"], call["input"]["host"]) == ("done", host)
    [step, other] = here.show(plan)["steps"]
    assert (step["network"], step["hosts"]) == (True, [host, "a.example"])
    assert (other["network"], other["hosts"]) == (False, [])


def test_a_step_that_lacks_a_host_fails_with_the_list_that_has_it(here: Here) -> None:
    step = {"title": "Fetch", "run": "curl -sSf https://B.example/", "network": ["a.example"]}
    plan = here.plan({"title": "Fetch it", "steps": [step]})
    here("approve", plan, "--network", "all")
    said = here("exec", plan, expect=1).err
    assert "git-orch: b.example:443 is not in the step's list 'network'" in said
    assert "# step 1: network: [a.example, b.example]\n" in said
    [call] = data(here("audit", plan, "--failed", "--json").out)
    assert (call["tool"], call["verdict"]) == ("network", "refused")


def test_a_private_host_needs_the_users_own_word_besides_the_list(here: Here, port: int) -> None:
    here.repo.git("config", "orch.privateHosts", f"localhost:{port}")  # of the repository: no word
    plan = here.plan(fetching(port, f"localhost:{port}"))
    here("approve", plan, "--network", "all")
    said = here("exec", plan, expect=1).err
    assert f"git-orch: localhost:{port} has the private address " in said
    assert f"hint: git config --global --add orch.privateHosts localhost:{port}\n" in said


def test_a_program_that_ignores_the_proxy_is_told_of_where_the_step_fails(here: Here) -> None:
    run = "curl -sS --noproxy '*' https://a.example/"
    plan = here.plan(
        {"title": "x", "steps": [{"title": "x", "run": run, "network": ["a.example"]}]}
    )
    here("approve", plan, "--network", "all")
    assert "# step 1: a program that does not use HTTPS_PROXY" in here("exec", plan, expect=1).err


def test_the_context_of_a_step_names_its_hosts(here: Here) -> None:
    step = {"title": "Look", "prompt": "Look.", "network": ["a.example"]}
    plan = here.plan({"title": "x", "steps": [step]})
    assert "and no others: a.example\n" in here("context", plan, "1").out
