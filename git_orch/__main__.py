"""`python -m git_orch` is `git-orch`."""

from git_orch.cli.main import main

main()
