"""Where things are that tests read."""

from __future__ import annotations

from pathlib import Path

SUPPORT = Path(__file__).parent
TESTS = SUPPORT.parent
TOP = TESTS.parent  # of the project
DATA = TESTS / "data"
