"""git-orch turns a task into a plan, and the plan into commits."""

__version__ = "0.1.0"
