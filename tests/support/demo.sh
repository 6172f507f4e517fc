#!/bin/sh
# The whole road in a scratch repository: plan, execute with real checks, roll back one step, execute it again.
# No key and no network are needed. git-orch has to be on PATH; `make demo` sees to that.
set -eu
export GIT_PAGER=cat

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

where=$(mktemp -d "${TMPDIR:-/tmp}/git-orch-demo.XXXXXX")
cd "$where"
git init --quiet --initial-branch=main .
git config user.name 'Demo User'
git config user.email demo@example.com
git config commit.gpgSign false
git commit --quiet --allow-empty -m 'an empty project'

run git orch plan --template python-cli --var name=hello
plan=$(git for-each-ref --format='%(refname:lstrip=3)' 'refs/notes/orch/PLAN-*')
run git orch exec "$plan"
run git log --oneline "orch/$plan"
run git orch rollback "$plan" --to-step 4
run git log --oneline "orch/$plan"
run git orch exec "$plan"
run git log --oneline "orch/$plan"
run git orch status "$plan"

printf '\nThe repository is %s; remove it when you are done.\n' "$where"
