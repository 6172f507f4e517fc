"""The colours of pictures and pages, for a light and a dark screen; no state is told by its colour
alone.
"""

from __future__ import annotations

from git_orch.plans.history.status import StepStatus
from git_orch.views import report

# What the styles of a terminal are called in a picture.
_TONES = {"green": "good", "red": "bad", "yellow": "open", "dim": "wait"}

# Text has a contrast of 4.5 to 1 at least, lines of 3 to 1.
LIGHT = {
    "page": "#ffffff", "panel": "#f6f8fa", "line": "#d0d7de", "text": "#1f2328", "dim": "#57606a",
    "link": "#0550ae", "edge": "#6e7781",
    "good": "#116329", "good-fill": "#dafbe1", "bad": "#a40e26", "bad-fill": "#ffebe9",
    "open": "#7d4e00", "open-fill": "#fff8c5", "wait": "#57606a", "wait-fill": "#f6f8fa",
}  # fmt: skip
DARK = {
    "page": "#0d1117", "panel": "#161b22", "line": "#30363d", "text": "#e6edf3", "dim": "#9da7b3",
    "link": "#79c0ff", "edge": "#8b949e",
    "good": "#7ee787", "good-fill": "#12261e", "bad": "#ffa198", "bad-fill": "#2d1214",
    "open": "#e3b341", "open-fill": "#272115", "wait": "#9da7b3", "wait-fill": "#161b22",
}  # fmt: skip
TONES = ("good", "bad", "open", "wait")
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"


def of_step(step: StepStatus) -> str:
    """The tone of a step's state."""
    return _TONES[report.STATE_STYLES[step.state]]


def variables(colours: dict[str, str]) -> str:
    """The colours as variables of CSS."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())


def graph_rules() -> str:
    """The rules of CSS for a graph, with the colours as variables."""
    steps = "".join(
        f".step.{tone} rect{{fill:var(--{tone}-fill);stroke:var(--{tone})}}"
        f".step.{tone} .state{{fill:var(--{tone})}}"
        for tone in TONES
    )
    return (
        f".graph text{{font-family:{FONT};font-size:13px;fill:var(--text)}}"
        ".graph .title{font-weight:600}.graph .note{fill:var(--dim)}"
        ".arrow,.conflict{fill:none;stroke:var(--edge);stroke-width:1.2}"
        ".conflict{stroke-dasharray:5 4}.tip{fill:var(--edge)}"
        f"{steps}.arrow.chain{{stroke-width:2.6}}.step.chain rect{{stroke-width:2.6}}"
    )


def style() -> str:
    """The style of a picture on its own."""
    return (
        f":root{{color-scheme:light dark;{variables(LIGHT)}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
        f"svg{{background:var(--page)}}{graph_rules()}"
    )
