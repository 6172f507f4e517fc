"""What attacks consist of: scripts of commands, paths for tools, settings that point into a
worktree.
"""

from __future__ import annotations

from victims import CANARY, HOME_SECRETS, Doors, Victim

TRY = 'try() { if "$@"; then echo "DONE: $*"; else echo "refused: $*"; fi; } 2>&1\n'


# -- git control data: A01, A02, A04, A05 ----------------------------------------------------------

HOOKS = (
    "pre-commit",
    "post-checkout",
    "post-index-change",
    "reference-transaction",
    "post-commit",
    "pre-push",
)


def planting(found: Victim) -> str:
    """A01 and A02: everything that would make the user's git run something."""
    evil = f"printf '#!/bin/sh\\ntouch {found.mark}\\n' >"
    hooks = "".join(
        f"try sh -c '{evil} {where}/hooks/{name}'\n"
        for name in HOOKS
        for where in ("$C", "$G", "$U")
    )
    return f"""{TRY}
        C=$(git rev-parse --path-format=absolute --git-common-dir) G=$(git rev-parse --absolute-git-dir)
        U={found.repo}/.git
        export C G U
        {hooks.replace("'#!", '"#!').replace("n' >", 'n" >')}
        try rm -r "$C/hooks"; try mv "$C/hooks" "$C/old"; try mkdir "$C/hooks"; try mkdir "$G/hooks"
        try mv "$C" "$C.old"; try mv .git old; try rm .git; try sh -c 'echo "gitdir: /tmp" > .git'
        try git config core.fsmonitor "{found.mark}"; try git config core.hooksPath x
        try git config filter.e.clean "touch {found.mark}"; try git config extensions.worktreeConfig true
        try git config --worktree core.fsmonitor x; try sh -c 'echo "[core] fsmonitor=x" > "$G/config.worktree"'
        try sh -c 'mkdir -p "$C/info"; echo "* filter=e" > "$C/info/attributes"'
        try sh -c 'echo x >> "$C/config"'; try sh -c 'echo x > "$C/config.lock"'; try sh -c 'echo x > "$G/gitdir"'
        try git update-ref refs/heads/main HEAD; try git branch planted; try git tag planted; try git add -A
        try git commit --allow-empty -m planted; try git stash; try git gc; git worktree prune
        try ln "$C/config" linked-config; true"""


# A04 and A05: the user trusts these programs, which the step rewrites.
TOOLS = {
    **{f".husky/{name}": "#!/bin/sh\nexit 0\n" for name in HOOKS},
    "tools/clean.sh": "#!/bin/sh\ncat\n",
    "tools/tc.sh": '#!/bin/sh\ncat "$1"\n',
    "tools/m.sh": "#!/bin/sh\nexit 0\n",
    "tools/up.sh": '#!/bin/sh\nexec git-upload-pack "$@"\n',
}
TRUSTED = {
    "core.hooksPath": ".husky", "filter.x.clean": "./tools/clean.sh",
    "filter.x.smudge": "./tools/clean.sh", "diff.x.textconv": "./tools/tc.sh",
    "merge.x.driver": "./tools/m.sh %A", "include.path": "../.gitconfig", "remote.origin.url": ".",
    "remote.origin.uploadpack": "./tools/up.sh",
}  # fmt: skip


def rewriting(found: Victim) -> str:
    """A04 and A05: the programs in the tree that the user's configuration names, and which files
    they are for.
    """
    evil = f"#!/bin/sh\ntouch {found.mark} {found.repo}/MARK\ncat\n"
    return f"""
        for file in {" ".join(TOOLS)}; do printf '%s' '{evil}' > $file; chmod +x $file; done
        echo '* filter=x diff=x merge=x' > .gitattributes
        printf '[core]\\n\\tfsmonitor = touch {found.mark}\\n\\tpager = touch {found.mark}\\n' > .gitconfig
        echo text > text.txt; echo more >> README.md"""


# -- paths for tools, and commands of a model: A03, A06 to A11, A13, A15, A18 ----------------------

CONTROL = (
    ".git", "./.git/config", "sub/.git/hooks/x", ".GIT/config", ".Git/hooks/pre-commit",
    "git~1/config", ".git./config", ".git /config", ".g\u200cit/config",
    ".git::$INDEX_ALLOCATION/x",
)  # fmt: skip
OUTSIDE = (
    "../x", "/etc/passwd", "src/../../repo/.git/config", "~/.ssh/id_rsa", "a\0b", "a\nb",
    "x" * 5000, "", ".", "file:///etc/passwd", "C:\\x", "sub",
)  # fmt: skip
LINKS = ("k", "d/etc/passwd", "e", "z", "f", "big", "d/root/.ssh/id_rsa", "o")
ORDINARY = ("-rf", "a name with spaces", "--help", "$(touch MARK)")


def scripts(found: Victim, doors: Doors) -> dict[str, str]:
    """The scripts of the project that the model runs, hostile all of them."""
    secret = " ".join(f"~/{name} {found.home}/{name}" for name in HOME_SECRETS)
    places = (
        f"/ /root /home /tmp /var /run /mnt /srv /media {found.place} {found.home} {found.repo}"
    )
    return {
        "special": f"mkfifo f; truncate -s 900M big; ln -s {found.outside} w; ln -sf {found.home}/.bashrc tracked",
        "hard-link": f"{TRY} try ln {found.repo}/.git/config h; try ln $(git rev-parse --git-path HEAD) h",
        "secrets": f"""
            {{ cat {secret} {found.outside}/file /etc/shadow /etc/gshadow /proc/*/root{found.home}/.netrc
               python3 -c "print(open('{found.home}/.netrc').read())"; tar c ~ {found.outside} | tr -d '\\0'
               find {places} -xdev -type f -size -20 -not -path '*/usr/*' -exec cat {{}} +; }} > /tmp/all 2> /tmp/errors
            echo "found $(grep -ac '{CANARY[:-1]}[Y]' /tmp/all), errors $(grep -c . /tmp/errors)"
            echo "shadow $(cat /etc/shadow | wc -c)" """,
        "environment": f"""
            {{ env; cat /proc/self/environ /proc/1/environ; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; }} > /tmp/all
            tr '\\0' '\\n' < /tmp/all > /tmp/lines; echo processes: /proc/[0-9]*
            echo "found $(grep -c '{CANARY[:-1]}[Y][0-9]' /tmp/lines), paths $(grep -c '^PATH=' /tmp/lines)" """,
        "network.py": f"""
import socket, threading, urllib.request
def tried(name, act):
    try: print("DONE" if act() is None else "DONE", name)
    except Exception as error: print("refused", name, type(error).__name__)
def connect(family, kind, address):
    with socket.socket(family, kind) as made:
        made.settimeout(2); made.connect(tuple(address) if isinstance(address, list) else address); made.send(b"x")
for family, kind, address in {[[*each] for each in doors.addresses()]!r}:
    if isinstance(address, str) or kind == 1: tried(str(address), lambda: connect(family, kind, address))
    else: connect(family, kind, address)  # nobody is told whether a datagram arrives
tried("model", lambda: urllib.request.urlopen("{found.server.url}", timeout=2))
tried("metadata", lambda: urllib.request.urlopen("http://169.254.169.254/", timeout=2))
tried("name", lambda: socket.getaddrinfo("example.com", 80))
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"inside"), daemon=True).start()
print("own", socket.create_connection(server.getsockname(), 2).recv(9).decode())
""",
        "network": "python3 attack/network.py; timeout 5 getent hosts example.com; echo $?",
        "daemon": f"setsid bash -c 'exec -a {found.word} sleep 300' & disown; echo done",
        "escape": r"printf 'a\377b\0c\355\240\200d\re\033[2Jf\033]0;title\7g\033]52;c;x\7h\033P1\033\\i\302\233j'",
        "disk": """
            full() { fallocate -l $(($2 + 1))M $1/fill && echo "DONE $1"; rm -f $1/fill; }
            full /tmp 512; full /dev/shm 256; full ~ 256; full /run 1
            for place in /dev / /usr /etc /proc; do head -c 1 /dev/zero > $place/fill && echo "DONE $place"; done
            truncate -s 1T huge && echo DONE; dd if=/dev/zero of=huge bs=1M seek=1024 count=1 status=none && echo DONE
            rm -f huge""",
        "tidy": "rm -f f big w huge h; git show HEAD:tracked > /tmp/t; rm tracked; cp /tmp/t tracked",
    }


# -- what would not end: A12, A14, A16 to A18 ------------------------------------------------------

TREE = """
    sleeper() { exec -a WORD sleep 300; }
    sleeper & (sleeper & wait) & (trap '' TERM; sleeper) & setsid bash -c 'exec -a WORD sleep 300' &
    (setsid bash -c '(exec -a WORD sleep 300) & (exec -a WORD sleep 300) &' &)
    python3 -c 'import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid(); os.execvp("sleep", ["WORD", "300"])' &
    sleep 300"""
FLOODS = {
    "yes": "yes",
    "zeros": "head -c 10G /dev/zero",
    "line": "python3 -c 'import sys; [sys.stdout.write(\"x\" * (1 << 20)) for _ in range(200)]'",
}
HOGS = {
    "bomb": "import os, time\nfor _ in range(2000): os.fork() or (time.sleep(300), os._exit(0))\ntime.sleep(300)",
    "hog": "import time\nheld = [b'x' * (64 << 20) for _ in range(64) if not time.sleep(0.02)]\nprint('had all')",
}
FILLERS = {
    "filler": "while n=$((n + 1)); do head -c 4M /dev/zero > $n.bin; done",
    "files": "mkdir many; for n in $(seq 100000); do : > many/$n; done; sleep 300",
}
WAITING = """
    told() { echo "$1 ended"; }
    cat; told cat; read x; told read; python3 -c 'input()'; told input; git commit; told commit; less README; told less
    ssh-keygen -t ed25519; told ssh-keygen; sudo -k true; told sudo; echo PWNED > /dev/tty; told tty
    python3 -c 'import fcntl, os, termios
for place in (0, 1, 2, "/dev/tty", "/dev/console", "/proc/1/fd/0"):
    try:
        opened = os.open(place, os.O_RDWR) if isinstance(place, str) else place
        fcntl.ioctl(opened, termios.TIOCSTI, b"x"); print("DONE")
    except OSError: pass'; told typing; true"""
TOLD = ("cat", "read", "input", "commit", "less", "ssh-keygen", "sudo", "tty", "typing")


# -- what is shown and what lands: A08, A15 --------------------------------------------------------

ESCAPES = r"printf 'x\033[2J\033]0;title\007\033]8;;http://x\007\033]52;c;x\007\033P1\033\\\302\233\233\rroot\n'"
LINKS_OUT = {"a": "/etc/passwd", "b": "../../outside", "sub/c": "../../x", "d": ".git/config"}
LINKING = "mkdir sub; " + "; ".join(f"ln -s {target} {name}" for name, target in LINKS_OUT.items())
