"""Variables reach a shell as one word of its own, or not at all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from git_orch.templates import language, quoting
from git_orch.templates.language import Malformed

EVIL = "a'b\"; touch ran $(touch ran) `touch ran` *"
GOOD = [
    "printf '%s\\n' {{ a | sh }}",
    "printf '%s\\n' x{{ a | sh }}y | cat",
    "b={{ a | sh }}; printf '%s\\n' \"$b\"",
    "test -n {{ a | sh }} && [ {{ a | sh }} != b ]",
    "echo \"$(printf '%s' {{ a | sh }})\"",
    "if true; then echo {{ a | sh }}; fi > out",
    'for i in {{ a | sh }} b; do echo "$i"; done',
    "case {{ a | sh }} in x) ;; esac",
    "python3 -c 'import sys; sys.exit(sys.argv[1] == \"\")' {{ a | sh }}",
    "echo {{ '{{' }}",
    "echo ${#list} '{a}'",
]
BAD = [
    "echo {{ a }}",
    "echo {{ a | upper }}",
    "echo {{ a | sh | upper }}",
    "echo '{{ a | sh }}'",
    'echo "{{ a | sh }}"',
    "echo $'{{ a | sh }}'",
    "echo `echo {{ a | sh }}`",
    "cat <<EOF\n{{ a | sh }}\nEOF",
    "true # {{ a | sh }}",
    "echo ${x:-{{ a | sh }}}",
    "echo $(( {{ a | sh }} ))",
    "{{ a | sh }} x",
    "eval echo {{ a | sh }}",
    "sh -c {{ a | sh }}",
    "env bash -lc {{ a | sh }}",
    "python3 -c {{ a | sh }}",
    "ssh host {{ a | sh }}",
    "{% if a %}echo x{% endif %}",
    "echo 'x {{ a | sh }}",
]


@pytest.mark.parametrize("command", GOOD)
def test_a_word_of_its_own_stays_one_word(command: str, tmp_path: Path) -> None:
    text = language.parse(command)
    quoting.require_quoted(text)
    filled = language.fill(text, {"a": EVIL}, 10_000)

    done = subprocess.run(["bash", "-c", filled], cwd=tmp_path, capture_output=True, check=False)

    assert not done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("command", BAD)
def test_any_other_place_is_refused(command: str) -> None:
    with pytest.raises(Malformed):
        quoting.require_quoted(language.parse(command))


@pytest.mark.parametrize(
    ("argv", "is_fit"),
    [
        (["printf", "%s", "{{ a }}"], True),
        (["sh", "-c", 'echo "$1"', "sh", "{{ a }}"], True),
        (["mkdir", "-p", "{{ a }}"], True),
        (["grep", "-e", "{{ a }}", "f"], True),
        (["sh", "-c", "echo {{ a | sh }}"], False),
        (["/bin/bash", "-ec", "echo {{ a }}"], False),
        (["env", "python3", "-c", "print({{ a }})"], False),
        (["node", "--eval", "{{ a }}"], False),
        (["{{ a }}", "x"], False),
        (["ssh", "host", "{{ a }}"], False),
    ],
)
def test_an_argument_is_never_read_as_code(argv: list[str], is_fit: bool) -> None:  # noqa: FBT001
    parsed = [language.parse(text) for text in argv]
    if is_fit:
        quoting.require_one_argument(parsed)
        return
    with pytest.raises(Malformed):
        quoting.require_one_argument(parsed)


@pytest.mark.parametrize(
    ("path", "text", "is_script"),
    [
        ("a", "#!/bin/sh\n", True),
        ("a", "#!/usr/bin/env bash\n", True),
        ("a", "#!{{ a }}\n", True),
        ("a.sh", "x", True),
        ("a", "#!/usr/bin/env python3\n", False),
        ("a.py", "x", False),
    ],
)
def test_a_script_is_told_by_its_first_line_or_its_name(
    path: str,
    text: str,
    is_script: bool,  # noqa: FBT001
) -> None:
    assert quoting.is_script(path, text) == is_script
