#!/bin/sh
# The whole road in a scratch repository: plan, execute with real checks, roll back one step, execute it again. Then a step
# of an agent, whose replies come from a scripted trace: no model wrote them.
# No key and no network are needed. git-orch has to be on PATH; `make demo` sees to that.
set -eu
export GIT_PAGER=cat
data=$(cd "$(dirname "$0")/../data" && pwd)

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

printf '%s\n' "echo 'Hello, world.'" >hello.sh
git add hello.sh
git commit --quiet -m 'a greeting'
run git orch plan --from "$data/demo_agent.yaml"
printf '\nThe replies of the next run are scripted: they come from a trace, and no model is asked.\n'
agent=$(git for-each-ref --sort=-creatordate --count=1 --format='%(refname:lstrip=3)' 'refs/notes/orch/PLAN-*')
run git orch exec "$agent" --replay "$data/scripted.trace.jsonl"
run git orch diff "$agent"

printf '\nThe repository is %s; remove it when you are done.\n' "$where"
