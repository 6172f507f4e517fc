"""A command with a list of hosts reaches those, and nothing else: real programs, as root and as an
ordinary user.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
import users

from git_orch import errors
from git_orch.plans.hosts import Visit
from git_orch.plans.plan import Command
from git_orch.sandbox.network.proxy import Lists, Proxy
from git_orch.sandbox.process.outcome import Outcome
from git_orch.sandbox.walls import sandboxes
from git_orch.sandbox.walls.bubblewrap import Bubblewrap
from git_orch.sandbox.walls.launcher import Launcher
from git_orch.sandbox.walls.view import View

LONG = 60.0  # seconds


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        size = int(self.headers.get("Content-Length", 0))
        text = f"served {self.path} {self.rfile.read(size).decode()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815 - as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as there
        """Nobody reads it."""


class Servers(NamedTuple):
    """The ports of a server of HTTPS and one of HTTP on this machine, and who vouches for it."""

    tls: int
    plain: int
    authority: Path


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Two servers that are `localhost`, and for the first one `other.test`, too."""
    place = tmp_path_factory.mktemp("authority")
    names = "subjectAltName=DNS:localhost,DNS:other.test"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", names, "-keyout", place / "key.pem", "-out", place / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Echo) as tls,
        ThreadingHTTPServer(("127.0.0.1", 0), Echo) as plain,
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(place / "cert.pem", place / "key.pem")
        tls.socket = context.wrap_socket(
            tls.socket, server_side=True, do_handshake_on_connect=False
        )
        threads = [threading.Thread(target=one.serve_forever) for one in (tls, plain)]
        for thread in threads:
            thread.start()
        yield Servers(tls.server_port, plain.server_port, place / "cert.pem")
        tls.shutdown()
        plain.shutdown()
        for thread in threads:
            thread.join()


class Site(NamedTuple):
    """A directory in which commands run."""

    directory: Path
    servers: Servers

    def run(self, script: str, *allowed: str, private: bool = True) -> Outcome:
        """Run a script of bash that may reach these hosts."""
        (self.directory / "ca.pem").write_bytes(self.servers.authority.read_bytes())
        launcher = Launcher(
            {"PATH": os.environ["PATH"]},
            Path(os.environ["HOME"]),
            sandboxes.choose("auto", os.environ["PATH"]),
            private_hosts=allowed if private else (),
        )
        command = Command(shell=script, plain=True)
        return launcher.run(command, worktree=self.directory, timeout=LONG, network=allowed)


@pytest.fixture
def site(tmp_path: Path, servers: Servers) -> Site:
    """A directory for commands."""
    return Site(tmp_path, servers)


def test_curl_reaches_a_listed_host_and_no_other(site: Site) -> None:
    tls, plain = site.servers.tls, site.servers.plain
    outcome = site.run(
        f"curl -sS --cacert ca.pem https://localhost:{tls}/a\n"
        f"curl -sS --cacert ca.pem https://LOCALHOST.:{tls}/b -o /dev/null\n"
        f"curl -sS http://localhost:{plain}/c; exit 3",
        f"localhost:{tls}",
    )
    assert outcome.output.startswith(b"served /a \n")
    assert outcome.output.endswith(
        f"git-orch: localhost:{plain} is not in the step's list 'network'\n".encode()
    )
    assert [(visit.target, visit.verdict) for visit in outcome.visits][-1] == (
        f"localhost:{plain}", "denied",
    )  # fmt: skip


def test_plain_http_to_a_listed_port_has_a_body_and_ends_after_one_request(site: Site) -> None:
    port = site.servers.plain
    two = f"POST http://localhost:{port}/x HTTP/1.1\\r\\nContent-Length: 2\\r\\n\\r\\nhi"
    outcome = site.run(
        f"curl -sS -d body http://localhost:{port}/c\n"
        "exec 3<>/dev/tcp/127.0.0.1/47080\n"
        f'printf "{two}GET /smuggled HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n" >&3; cat <&3',
        f"localhost:{port}",
    )
    assert outcome.output.startswith(b"served /c body\n")
    assert b"served /x hi\n" in outcome.output
    assert b"smuggled" not in outcome.output


def test_what_ignores_the_proxy_reaches_nothing(site: Site) -> None:
    tls = site.servers.tls
    outcome = site.run(
        f"curl -sS --noproxy '*' --cacert ca.pem https://localhost:{tls}/ ; echo $?\n"
        "for name in 127.0.0.1 1.1.1.1; do (echo >/dev/tcp/$name/443) 2>/dev/null && echo in; done\n"
        "(echo x >/dev/udp/1.1.1.1/53) 2>/dev/null && echo in\n"
        "ls /proc/self/fd | wc -l; cat /proc/net/dev | grep -c :",
        f"localhost:{tls}",
    )
    assert outcome.output.splitlines()[-3:] == [b"7", b"4", b"1"]
    assert b"in\n" not in outcome.output
    assert outcome.visits == ()


def test_a_name_with_a_private_address_is_refused_unless_the_user_lists_it(site: Site) -> None:
    tls = site.servers.tls
    outcome = site.run(
        f"curl -sS --cacert ca.pem https://localhost:{tls}/", f"localhost:{tls}", private=False
    )
    assert outcome.status == 56
    [visit] = outcome.visits
    assert (visit.verdict, visit.lacks) == ("denied", "private")
    assert visit.why.startswith("has the private address ")


def test_tls_for_another_host_than_the_one_asked_for_is_refused(site: Site) -> None:
    tls = site.servers.tls
    outcome = site.run(
        f"curl -sS --cacert ca.pem --connect-to other.test:443:localhost:{tls} -p https://other.test/",
        f"localhost:{tls}",
    )
    assert outcome.status == 35
    why = "is not the host that TLS asks for: other.test (SNI)"
    assert outcome.visits == (Visit(f"localhost:{tls}", "denied", why),)


def test_a_tunnel_is_closed_to_what_hides_its_host(site: Site) -> None:
    tls = site.servers.tls
    outcome = site.run(
        "exec 3<>/dev/tcp/127.0.0.1/47080\n"
        f'printf "CONNECT localhost:{tls} HTTP/1.1\\r\\n\\r\\n\\x16\\x03\\x01\\0\\4\\1\\0\\0\\0" >&3; cat <&3',
        f"localhost:{tls}",
    )
    assert outcome.output == b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert [visit.why for visit in outcome.visits] == ["its first message is not one of TLS"]


def test_git_and_python_use_the_proxy(site: Site) -> None:
    tls = site.servers.tls
    url = f"https://localhost:{tls}"
    outcome = site.run(
        f"git -c http.sslCAInfo=$PWD/ca.pem ls-remote {url}/repo 2>&1 | head -2\n"
        f"SSL_CERT_FILE=ca.pem {users.PYTHON} -c '"
        f'import urllib.request as r; print(r.urlopen("{url}/py").read().decode())\'',
        f"localhost:{tls}",
    )
    assert outcome.output.startswith(b"fatal: ")
    assert b"served /py" in outcome.output
    assert [visit.target for visit in outcome.visits] == [f"localhost:{tls}"]
    assert outcome.visits[0].verdict == "allowed"
    assert outcome.visits[0].times == 2


def test_no_thread_and_no_socket_of_a_proxy_outlives_its_command(site: Site) -> None:
    before = threading.active_count(), sorted(os.listdir("/proc/self/fd"))
    site.run(
        "exec 3<>/dev/tcp/127.0.0.1/47080 4<>/dev/tcp/127.0.0.1/47080; printf CONNECT >&4",
        "localhost:9",
    )
    for thread in threading.enumerate():
        if "_attend" in thread.name:
            thread.join(LONG)
    assert (threading.active_count(), sorted(os.listdir("/proc/self/fd"))) == before


def test_a_list_is_refused_where_nothing_inside_could_open_its_socket(tmp_path: Path) -> None:
    view = View(tmp_path, tmp_path, "/usr/bin", proxy=Proxy(Lists.of(("a.example",))))
    without_perl = Bubblewrap("bwrap", wall=None)
    with pytest.raises(errors.Refused, match="needs perl"), without_perl.confine(("true",), view):
        pass


def test_an_ordinary_user_has_the_same_walls() -> None:
    script = """
import os; from pathlib import Path; from git_orch.plans.plan import Command
from git_orch.sandbox.walls import sandboxes; from git_orch.sandbox.walls.launcher import Launcher
walls = sandboxes.choose("auto", os.environ["PATH"])
line = "curl -sS https://b.example/; curl -sS --noproxy '*' https://1.1.1.1/; exit 1"
launcher = Launcher(dict(os.environ), Path("/nonexistent"), walls)
command = Command(shell=line, plain=True)
ended = launcher.run(command, worktree=Path.cwd(), timeout=60, network=("a.example",))
print([(visit.target, visit.lacks) for visit in ended.visits], ended.output.decode())
"""
    for user in users.USERS:
        with users.directory_of(user) as place:
            users.give_sandbox(place)
            done = subprocess.run(
                [*users.as_user(user), users.PYTHON, "-c", script],
                cwd=place, check=True, capture_output=True, text=True,
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(place)},
            )  # fmt: skip
        assert done.stdout.startswith("[('b.example:443', 'network')] curl: (56)")
        assert "curl: (7)" in done.stdout
