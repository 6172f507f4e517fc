"""What git-orch imports comes from where it is installed.

Python looks first in the current directory (`python -m`) and in what PYTHONPATH names, which people
set for their project: a `yaml.py` of a repository would run with all that its user may do.
"""

import os
import sys


def restrict() -> None:
    """Have Python look in neither of them any more, but where they have this package."""
    if sys.flags.isolated:
        return
    here = _current()
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    foreign = [] if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "").split(":")
    named = [
        os.path.normpath(os.path.join(here, entry))
        for entry in foreign
        if entry or len(foreign) > 1
    ]
    if not sys.flags.safe_path and sys.path[:1] in ([""], [here]):
        named.insert(0, sys.path[0])
    if not here and "" in named:  # the current directory is gone, and has nothing to import
        sys.path.remove(named.pop(0))
    for entry in named:
        if entry in sys.path and not _is_installed(os.path.realpath(entry), os.path.realpath(own)):
            sys.path.remove(entry)


def _current() -> str:
    """The current directory; empty where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _is_installed(entry: str, own: str) -> bool:
    """Whether Python would look there anyway: where this package is, and where Python is."""
    places = (os.path.join(prefix, "lib") for prefix in (sys.prefix, sys.base_prefix))
    return entry == own or any(
        f"{entry}{os.sep}".startswith(os.path.realpath(place) + os.sep) for place in places
    )
