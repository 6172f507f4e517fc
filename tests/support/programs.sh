#!/bin/sh
# The programs that the tests need besides git, Python and make: on Debian and its kin they are installed, elsewhere named.
set -eu

missing=
need() { # PROGRAM PACKAGE
    command -v "$1" >/dev/null || missing="$missing $2"
}
need bwrap bubblewrap
need git-lfs git-lfs
need gpg gpg
need gpg-agent gpg-agent
need man man-db
need mandoc mandoc
need scdoc scdoc
need ssh-keygen openssh-client
need strace strace
need perl perl-base
need cargo cargo
need ctags universal-ctags
need go golang-go
need node nodejs
need npm npm
[ -e /usr/share/bash-completion/bash_completion ] || missing="$missing bash-completion"
"${PYTHON:-python3}" -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "make test needs these Debian packages, or what your system has in their place:$missing" >&2
    exit 1
fi
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
echo "make test installs$missing${as_root:+ (sudo apt-get)}"
$as_root apt-get update -q
# shellcheck disable=SC2086 # a list of packages
$as_root apt-get install -q -y --no-install-recommends $missing
