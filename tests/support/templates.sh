#!/bin/sh
# Each built-in template in a scratch repository: its plan runs to its end, whose checks build and test the project.
# react-app needs npm's registry or packages in npm's cache. git-orch has to be on PATH; `make test-templates` sees to that.
set -eu

where=$(mktemp -d "${TMPDIR:-/tmp}/git-orch-templates.XXXXXX")
trap 'rm -rf "$where"' EXIT

# The packages that `needs` of react-app names.
npm cache add react@19.3.1 react-dom@19.3.1 scheduler@0.28.0 esbuild@0.25.12 \
    "@esbuild/$(node -p "process.platform+'-'+process.arch")@0.25.12"

for name in editorconfig python-cli go-rest-api rust-binary react-app; do
    git init --quiet --initial-branch=main "$where/$name"
    cd "$where/$name"
    git config user.name 'Template User'
    git config user.email templates@example.com
    git config commit.gpgSign false
    git commit --quiet --allow-empty -m 'an empty project'
    case $name in
    editorconfig) git orch plan --template "$name" ;;
    *) git orch plan --template "$name" --var name=greeter ;;
    esac
    git orch exec
    git orch land
    test -z "$(git status --porcelain)"
done
