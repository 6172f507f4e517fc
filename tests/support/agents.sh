#!/bin/sh
# Real agent programs do one plan each: see real_agents.py. They come from npm's registry, which has to be reachable; set AGENTS to a
# directory in which they are installed already. git-orch has to be on PATH; `make test-agents` sees to that.
set -eu

where=${AGENTS:-}
if [ -z "$where" ]; then
    where=$(mktemp -d "${TMPDIR:-/tmp}/git-orch-programs.XXXXXX")
    trap 'rm -rf "$where"' EXIT
    npm install --prefix "$where" --no-audit --no-fund --ignore-scripts=false \
        opencode-ai@1.18.33 @agentclientprotocol/claude-agent-acp@0.49.0
fi
python3 "$(dirname "$0")/real_agents.py" "$where"
