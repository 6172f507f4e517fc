"""Ratios of git-orch to git and Python, measured side by side in one run: `python -m benchmarks`."""
