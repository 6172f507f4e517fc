"""Valid plans made of texts that readers of YAML and JSON get wrong."""

from __future__ import annotations

import re
from types import MappingProxyType

from hypothesis import strategies as st

from git_orch.plans import paths
from git_orch.plans.plan import (
    CHECK_TYPES,
    STEP_KINDS,
    UNTIL_KINDS,
    Check,
    Command,
    FileContent,
    Plan,
    Pointer,
    Review,
    Step,
)
from git_orch.plans.plan_document import wait_command
from git_orch.plans.waits import Wait

FRAGMENTS = re.findall(
    r"\S+",
    """
yes no on off null ~ true 12:30 1.0 0123 0x1F 1e5 12345678e9 2026-11-20 .inf .nan = << - -- --- ... ? : # | > |- &
* ! % @ ` [ ] { } , ' " \\ \\n $ ${x} a:b a: :b a #b a# #a é 日本語 \U0001f680 -1 -c --x=y <<: !!str &a *a {a: [1]}
""",
)
INVISIBLE = [
    *" \t\n\r\x00\x01\x07\x1b\x7f\x85\x9f\xa0\xad\u2028\u2029\ufeff\ufffe\uffff",
    "\r\n",
    "  ",
    "\n\n",
    "\n ",
    "\n\t",
]

texts = st.one_of(
    st.lists(st.sampled_from([*FRAGMENTS, *INVISIBLE]), max_size=12).map("".join),
    st.lists(st.sampled_from([*FRAGMENTS, " ", "\n"]), max_size=12).map("".join),
    st.lists(
        st.sampled_from(["def f():", "\treturn 1", "    x = 2", "", "  - y", "# z", "a  "]),
        max_size=6,
    ).map("\n".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)
filled = texts.map(lambda text: text.replace("\0", "")).filter(str.strip)
one_line = st.one_of(
    st.lists(st.sampled_from([*FRAGMENTS, " ", "\xa0", "\xad"]), min_size=1, max_size=8).map(
        "".join
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30),
).filter(str.strip)
file_paths = st.one_of(
    st.lists(st.sampled_from([*FRAGMENTS, " ", "/"]), min_size=1, max_size=5).map("".join),
    st.just("/".join(["long name"] * 150)),
).filter(lambda path: paths.problem(path) is None and not path.endswith("/"))
names = st.sampled_from(["python3", "g++", "yes", "~", "12:30", "日本", "#x", "-x", "null"])
seconds = st.integers(1, 86_400)
commands = st.one_of(
    st.builds(lambda line, plain: Command(None, line, plain), filled, st.booleans()),
    st.builds(
        lambda first, rest: Command(argv=(first, *rest)),
        filled,
        st.lists(texts.map(lambda text: text.replace("\0", "")), max_size=4),
    ),
)
checks = st.lists(
    st.builds(
        Check,
        st.sampled_from(CHECK_TYPES),
        commands,
        st.integers(0, 255),
        seconds,
        produces=st.just(()),  # of the command of a run step alone
    ),
    max_size=2,
)
reviews = st.lists(st.builds(Review, filled, st.none() | names), max_size=2)
commits = st.sampled_from(["1" * 40, "12345678e9" * 4, "0e0" * 21 + "1"])
contents = (
    st.none()
    | st.builds(FileContent, texts, executable=st.booleans())
    | st.builds(Pointer, commits)
)


events = st.one_of(
    st.builds(Wait, st.just("command"), filled, st.integers(1, 3600)),
    st.builds(Wait, st.sampled_from(["file", "person"]), one_line, st.integers(1, 3600)),
    st.builds(Wait, st.sampled_from(["ci", "pull_request"]), st.just(""), st.integers(1, 3600)),
    st.just(Wait("time", "2027-01-31 08:00:00+01:00")),
)


@st.composite
def steps(draw: st.DrawFn, step_id: str, earlier: tuple[str, ...]) -> Step:
    """A step that depends on some of the `earlier` ones."""
    kind = draw(st.sampled_from(STEP_KINDS))
    needed = tuple(draw(st.lists(st.sampled_from(earlier), unique=True))) if earlier else ()
    touched = tuple(draw(st.lists(file_paths, max_size=2)))
    step = Step(step_id, draw(one_line), kind, depends_on=needed, checks=tuple(draw(checks)))
    step = step._replace(reviews=tuple(draw(reviews)))
    if kind == "files":
        files = draw(st.dictionaries(file_paths, contents, min_size=1, max_size=3))
        return step._replace(files=MappingProxyType(files))
    if kind in UNTIL_KINDS and step.checks:
        step = step._replace(times=draw(st.integers(0, 100)))
    if kind == "run":
        return step._replace(
            command=draw(commands),
            paths=touched,
            timeout=draw(st.none() | seconds),
            produces=tuple(draw(st.lists(file_paths, max_size=2))),
        )
    if kind == "wait":
        wait = draw(events)
        step = step._replace(checks=(), reviews=(), wait=wait, command=wait_command(wait))
        return step._replace(timeout=draw(st.none() | seconds))
    if kind == "manual":
        return step._replace(prompt=draw(st.none() | filled), paths=touched)
    model, timeout = draw(st.none() | names), draw(st.none() | seconds)
    return step._replace(
        prompt=draw(filled),
        paths=touched,
        model=model,
        timeout=timeout,
        may_be_empty=draw(st.booleans()),
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A plan of one to four steps, with IDs that have gaps and any order."""
    step_ids = draw(
        st.lists(
            st.integers(1, 40).map(lambda number: f"s{number}"), min_size=1, max_size=4, unique=True
        )
    )
    return Plan(
        title=draw(one_line),
        objective=draw(filled),
        steps=tuple(
            draw(steps(step_id, tuple(step_ids[:index]))) for index, step_id in enumerate(step_ids)
        ),
        dependencies=tuple(draw(st.lists(names, max_size=2))),
        missing=tuple(draw(st.lists(names, max_size=2))),
    )
