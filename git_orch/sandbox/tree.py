"""Which processes belong to a command, also those that tried to leave it, and how to end them all."""

from __future__ import annotations

import secrets

TAG = "GIT_ORCH_RUN"  # the environment variable by which a daemon is known after it has left its parent
TRUSTED = secrets.token_hex(8)  # the tag of our own tools, so that a daemon of the user's git is left alone
