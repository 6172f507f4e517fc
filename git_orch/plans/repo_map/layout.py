"""The tree in few lines: directories with what is in them, and the names of the files that have
most to do with a task.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from git_orch.plans import sentences
from git_orch.plans.repo_map import files
from git_orch.plans.repo_map.files import File, Survey

_LANGUAGES_SHOWN = 6
_MORE = len("\n\n  , 1234567 more")
_MISSES = 500  # lines without room, after which nothing more is tried
_TOP_SHARE = 0.5  # of the room: what stands at the top of the tree has no more


class _Directory:
    """A directory: its own files, and the sums of all below it."""

    def __init__(self) -> None:
        self.own: list[File] = []
        self.count = 0
        self.bytes = 0
        self.tests = 0
        self.languages = Counter[str]()


class _Line(NamedTuple):
    """A line that may be shown: of a directory or, with `file`, the name of a file in one."""

    score: float
    depth: int
    directory: str
    file: File | None


class Layout:
    """The tree of a survey, by the scores of its files."""

    def __init__(self, survey: Survey, scores: Mapping[str, float]) -> None:
        self._survey = survey
        self._directories = _directories(survey)
        lines = _lines(self._directories, scores)
        self._lines = sorted(lines, key=lambda line: (line.depth > 0, *_order(line)))

    def text(self, room: int) -> str:
        """The tree in at most `room` bytes of UTF-8; "" where there are no files."""
        if not self._survey.files:
            return ""
        head = _headline(self._survey, self._directories[""])
        shown = _chosen(self._directories, self._lines, room - len(head.encode()) - 1)
        text = "\n".join([head, *_blocks(self._directories, shown)])
        return text if len(text.encode()) <= room else ""


def _directories(survey: Survey) -> dict[str, _Directory]:
    directories: dict[str, _Directory] = defaultdict(_Directory)
    for file in survey.files:
        own = file.path.rpartition("/")[0]
        directories[own].own.append(file)
        language = files.language(file.path)
        for above in _above(own):
            directory = directories[above]
            directory.count += 1
            directory.bytes += file.size
            directory.tests += files.is_test(file.path)
            if language is not None:
                directory.languages[language] += 1
    return directories


def _above(directory: str) -> Iterator[str]:
    """The directory and all above it, the top last."""
    while directory:
        yield directory
        directory = directory.rpartition("/")[0]
    yield ""


def _headline(survey: Survey, top: _Directory) -> str:
    more = "" if survey.complete else " and more"
    languages = [
        f"{language} {sentences.count(count, 'file')}"
        for language, count in top.languages.most_common(_LANGUAGES_SHOWN)
    ]
    tests = f", {sentences.count(top.tests, 'test')} among them" if top.tests else ""
    of = f": {', '.join(languages)}" if languages else ""
    return f"{sentences.count(len(survey.files), 'file')}{more}, {size(top.bytes)}{of}{tests}"


def size(count: int) -> str:
    """Bytes, short: 812b, 61k, 2.1M."""
    if count < 1000:
        return f"{count}b"
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))}k"
    return f"{count / 1_000_000:.1f}M"


def _chosen(
    directories: Mapping[str, _Directory], lines: Sequence[_Line], room: int
) -> dict[str, list[File]]:
    """The directories to show, each with its files to name, as far as there is room."""
    shown: dict[str, list[File]] = {}
    left, top_left, misses = room, int(room * _TOP_SHARE), 0
    for line in lines:
        needed = _length(line, directories, shown)
        if needed > left or (line.depth == 0 and needed > top_left):
            misses += line.depth > 0
            if misses == _MISSES:
                break
            continue
        left -= needed
        top_left -= needed if line.depth == 0 else 0
        names = shown.setdefault(line.directory, [])
        if line.file is not None:
            names.append(line.file)
    return shown


def _order(line: _Line) -> tuple[float, int, bool, str, str]:
    name = line.file.path if line.file is not None else ""
    return (-line.score, line.depth, line.file is not None, line.directory, name)


def _lines(directories: Mapping[str, _Directory], scores: Mapping[str, float]) -> Iterator[_Line]:
    for path, directory in directories.items():
        depth = path.count("/") + 1 if path else 0
        best = max((scores.get(file.path, 0.0) for file in directory.own), default=0.0)
        yield _Line(best, max(0, depth - 1), path, None)
        for file in directory.own:
            yield _Line(scores.get(file.path, 0.0), depth, path, file)


def _length(
    line: _Line, directories: Mapping[str, _Directory], shown: Mapping[str, list[File]]
) -> int:
    """The bytes that showing a line takes, with that of its directory where it is not there."""
    length = 0
    if line.directory not in shown:
        length += len(_head(line.directory, directories[line.directory]).encode()) + _MORE
    if line.file is not None:
        length += len(_named(line.file).encode()) + 2
    return length


def _blocks(
    directories: Mapping[str, _Directory], shown: Mapping[str, list[File]]
) -> Iterator[str]:
    for path in sorted(shown):
        directory = directories[path]
        yield _head(path, directory)
        names = [_named(file) for file in sorted(shown[path])]
        rest = len(directory.own) - len(names)
        names += [f"{rest} more"] if rest else []
        if names:
            yield f"  {', '.join(names)}"


def _head(path: str, directory: _Directory) -> str:
    if not path:
        return "./"
    facts = [sentences.count(directory.count, "file"), size(directory.bytes)]
    facts += [language for language, _ in directory.languages.most_common(1)]
    facts += ["tests"] if directory.tests * 2 > directory.count else []
    return f"{path}/  ({', '.join(facts)})"


def _named(file: File) -> str:
    return f"{file.path.rpartition('/')[2]} {size(file.size)}"
