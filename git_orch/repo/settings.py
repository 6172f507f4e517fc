"""The user's `orch.*` settings, with the rule of who may set them.

A setting that runs a program, widens access, sends data or chooses a path or an endpoint counts
only from the user's own configuration (system, global, command line), never from the repository's,
which somebody else may have written, nor from a file inside the repository that the user's
configuration includes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, cast

from git_orch import errors, notices
from git_orch.plans import agents, durations, hosts, trailers
from git_orch.repo import git, scopes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from git_orch.repo.repository import Repository
    from git_orch.repo.scopes import Scoped

# The spellings of git-config(1); a name without "=" means true as well.
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0", ""})

DEFAULT_MODEL = "claude-sonnet-5-5"
SANDBOXES = ("auto", "none")
_MOST_USD = 1e9
MAX_USD = 1.0  # USD; a plan costs no more until somebody says that it may
_NARROWED = frozenset({"orch.maxusd", "orch.maxstepusd"})  # the lowest value counts, from anywhere
_DAY = 86_400  # seconds
_MOST_DAYS = 36_500
_MOST_TOKENS = 200_000
_NAME_ALONE = "orch.owner"  # it decides nothing, and counts from anywhere
WAYS_TO_LAND = ("merge", "rebase", "squash", "ff-only")
KEPT_WORKTREES = ("auto", "true", "false")


class Settings(NamedTuple):
    """Every setting that this version reads. `prices` is the path of a price table that adds to the
    built-in one, `keyCommand` a command line that prints the key for the model provider.

    `sandbox` is one of SANDBOXES. `environment` names variables, and `readable` absolute paths,
    that commands in the sandbox see besides what they always see. `allowedSigners` is an allowed
    signers file of ssh-keygen(1), and `allowedKeys` has fingerprints of OpenPGP keys, whose
    signatures approve plans. `allowSecret` has fingerprints of texts that look like secrets and are
    none. `keepWorktrees` is one of KEPT_WORKTREES, `keepDays` how long local
    files and failed attempts stay (0: for ever), `setup` a command line,
    `setupTimeout` in seconds, `maxUsd` and `maxStepUsd` in USD (0: no limit), `share` the values
    that sandbox/shares/choice.py reads, `mapTokens` how many tokens of a prompt tell of the
    repository (0: none), `waitLimits` how many seconds a run waits for a limit of the model
    provider (0: not at all). `land` is one of WAYS_TO_LAND; `attribution` and `signoff` are trailers of
    the commits that git-orch makes. `agent` is a choice that plans/agents.py reads, `agentKey` names
    the variables with keys that an agent program gets. `owner` is the one whom new plans belong to, from any scope.
    `docsDir` is a directory below the top of the worktree, `templatesDir` one from there, or an
    absolute path. `notify` is a command line that is told of new specs.
    `priceUnknown` is the price of models that no table has, in USD per million tokens. `privateHosts`
    are those of a step's list whose address need not be public. With `approveByRunning`, running a
    plan of one's own that asks for nothing out of the ordinary approves it.
    """

    model: str = DEFAULT_MODEL
    prices: str | None = None
    keyCommand: str | None = None  # noqa: N815
    sandbox: str = "auto"
    runHooks: bool = False  # noqa: N815 - the name that git and the user write
    requireVerified: bool = False  # noqa: N815
    environment: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    allowedSigners: str | None = None  # noqa: N815
    allowedKeys: tuple[str, ...] = ()  # noqa: N815
    allowSecret: tuple[str, ...] = ()  # noqa: N815
    keepWorktrees: str = "auto"  # noqa: N815
    keepDays: int = 30  # noqa: N815
    retryModel: str | None = None  # noqa: N815
    setup: str | None = None
    setupTimeout: float = 900.0  # noqa: N815
    worktreeInclude: bool = False  # noqa: N815
    maxUsd: float = MAX_USD  # noqa: N815
    maxStepUsd: float = 0.0  # noqa: N815
    share: tuple[str, ...] = ()
    mapTokens: int = 4000  # noqa: N815
    waitLimits: float = 0.0  # noqa: N815
    land: str = "merge"
    attribution: trailers.Attribution = "none"
    signoff: bool = False
    owner: str | None = None
    docsDir: str = "ai_docs"  # noqa: N815
    templatesDir: str | None = None  # noqa: N815
    notify: str | None = None
    priceUnknown: float | None = None  # noqa: N815
    agent: str = agents.OWN
    agentKey: tuple[str, ...] = ()  # noqa: N815
    privateHosts: tuple[str, ...] = ()  # noqa: N815
    approveByRunning: bool = True  # noqa: N815


_NAMES = frozenset(f"orch.{name.lower()}" for name in Settings._fields)


def of_user(repository: Repository) -> Settings:
    """The settings in force; a warning names one that is spelled wrong. Raises UsageError for a
    value that a setting cannot have.
    """
    own = of_own_scopes(repository, "orch.")
    if not own.keys() <= _NAMES:
        _warn_of_misspelled(own)

    def last(name: str) -> str | None:
        return own.get(name, [None])[-1]

    price = last("orch.priceunknown")
    attribution = _one_of(trailers.ATTRIBUTIONS, "orch.attribution", last("orch.attribution"))
    return Settings(
        land=_one_of(WAYS_TO_LAND, "orch.land", last("orch.land")),
        attribution=cast("trailers.Attribution", attribution),
        signoff="orch.signoff" in own and _flag("orch.signoff", last("orch.signoff")),
        model=last("orch.model") or DEFAULT_MODEL,
        prices=last("orch.prices"),
        keyCommand=last("orch.keycommand") or None,
        sandbox=_one_of(SANDBOXES, "orch.sandbox", last("orch.sandbox")),
        runHooks="orch.runhooks" in own and _flag("orch.runHooks", last("orch.runhooks")),
        requireVerified="orch.requireverified" in own
        and _flag("orch.requireVerified", last("orch.requireverified")),
        environment=_names(own.get("orch.environment", [])),
        readable=tuple(
            _path("orch.readable", value) for value in own.get("orch.readable", []) if value
        ),
        allowedSigners=_optional_path("orch.allowedSigners", last("orch.allowedsigners")),
        allowedKeys=_names(own.get("orch.allowedkeys", [])),
        allowSecret=_names(own.get("orch.allowsecret", [])),
        retryModel=last("orch.retrymodel") or None,
        setup=last("orch.setup") or None,
        setupTimeout=_seconds("orch.setupTimeout", last("orch.setuptimeout"), 900.0),
        maxUsd=_budget(repository, own, "orch.maxUsd", MAX_USD),
        maxStepUsd=_budget(repository, own, "orch.maxStepUsd", 0.0),
        worktreeInclude="orch.worktreeinclude" in own
        and _flag("orch.worktreeInclude", last("orch.worktreeinclude")),
        share=tuple(value or "" for value in own.get("orch.share", [])),
        mapTokens=_tokens("orch.mapTokens", last("orch.maptokens"), 4000),
        waitLimits=_span("orch.waitLimits", last("orch.waitlimits"))
        if "orch.waitlimits" in own
        else 0.0,
        keepDays=_days("orch.keepDays", last("orch.keepdays"), 30),
        docsDir=last("orch.docsdir") or "ai_docs",
        templatesDir=last("orch.templatesdir") or None,
        notify=last("orch.notify") or None,
        priceUnknown=_usd("orch.priceUnknown", price, "--global ") if price else None,
        agent=_agent(last("orch.agent")),
        agentKey=_names(own.get("orch.agentkey", [])),
        approveByRunning="orch.approvebyrunning" not in own
        or _flag("orch.approveByRunning", last("orch.approvebyrunning")),
        privateHosts=_hosts("orch.privateHosts", own.get("orch.privatehosts", [])),
        owner=last_of_any_scope(repository, "orch.owner") or None,
        keepWorktrees=_one_of(KEPT_WORKTREES, "orch.keepWorktrees", last("orch.keepworktrees")),
    )


def _warn_of_misspelled(names: Iterable[str]) -> None:
    for name in unknown(names):
        near = nearest(name)
        if near is not None:
            text = f"'{name}' is not a setting and does nothing: did you mean '{near}'?"
            notices.warn_once(name, text)


def unknown(names: Iterable[str]) -> list[str]:
    """Those of the lower-case names `orch.NAME` that are no settings; a path in one stands for a
    repository, whose settings have been read.
    """
    return [name for name in dict.fromkeys(names) if name not in _NAMES and name.count(".") == 1]


def nearest(name: str) -> str | None:
    """The setting that somebody means who typed this name; None where none is like it."""
    import difflib

    fields = {f"orch.{field.lower()}": f"orch.{field}" for field in Settings._fields}
    near = difflib.get_close_matches(name.lower(), fields, n=1, cutoff=0.75)
    return fields[near[0]] if near else None


def last_of_any_scope(repository: Repository, name: str) -> str | None:
    """The value of a setting (a lower-case name) that decides nothing, whoever has set it."""
    values = [one.value for one in repository.scoped_settings if one.name.lower() == name]
    return values[-1] if values else None


def of_own_scopes(repository: Repository, *prefixes: str) -> Mapping[str, Sequence[str | None]]:
    """Values that the user's own scopes give names with these lower-case beginnings; None is a name
    without a value.

    They are listed by lower-case name, in the order of git-config(1): the last one counts.
    """
    values: dict[str, list[str | None]] = {}
    for setting in own_settings(repository, *prefixes):
        values.setdefault(setting.name.lower(), []).append(setting.value)
    return values


def own_settings(repository: Repository, *prefixes: str) -> Iterator[Scoped]:
    """The settings of the user's own scopes whose names have these lower-case beginnings; the last
    one of a name counts.
    """
    for setting in (*repository.scoped_settings, *_of_this_repository(repository)):
        if setting.name.lower().startswith(prefixes) and _counts(setting, repository):
            yield setting


def _of_this_repository(repository: Repository) -> Iterator[Scoped]:
    """The settings `orch.PATH.NAME` of this repository, as the settings `orch.NAME`: they come last,
    so that they count more.
    """
    places: frozenset[str] | None = None
    for setting in repository.scoped_settings:
        section, _, rest = setting.name.partition(".")
        path, dot, name = rest.rpartition(".")
        if section != "orch" or not dot:
            continue
        if places is None:
            places = frozenset(map(os.path.realpath, repository.places))
        if os.path.realpath(os.path.expanduser(path)) in places:
            yield setting._replace(name=f"orch.{name}")


class Source(NamedTuple):
    """The scope of a setting in force, as git names it or `default`, and the file that it is from,
    where it is from one.
    """

    scope: str
    file: str | None

    def text(self) -> str:
        """The scope, with the file where there is one."""
        return f"{self.scope}  {self.file}" if self.file else self.scope


def sources(repository: Repository, in_force: Settings) -> Mapping[str, Source]:
    """The source of each setting in force, by its name in Settings."""
    own = {setting.name.lower(): setting for setting in own_settings(repository, "orch.")}
    others = {setting.name.lower(): setting for setting in repository.scoped_settings}
    result = {}
    for field in Settings._fields:
        name = f"orch.{field.lower()}"
        setting = own.get(name)
        anywhere = others.get(name)
        if name == _NAME_ALONE:
            setting = anywhere
        elif name in _NARROWED and anywhere is not None and anywhere != setting:
            narrowed = _usd(name, anywhere.value, "")
            if narrowed > 0 and narrowed == getattr(in_force, field):
                setting = anywhere
        result[field] = _source(setting)
    return result


def _source(setting: Scoped | None) -> Source:
    if setting is None:
        return Source("default", None)
    file = setting.origin.removeprefix("file:")
    return Source(setting.scope, file if file != setting.origin else None)


def is_only_of_repository(repository: Repository, name: str) -> bool:
    """Whether the repository's own configuration has `orch.NAME`, where it does not count, and the
    user's own has not.
    """
    full_name = f"orch.{name}".lower()
    return any(
        setting.name.lower() == full_name for setting in repository.scoped_settings
    ) and full_name not in of_own_scopes(repository, full_name)


def store(repository: Repository, name: str, value: str) -> str:
    """Set `orch.NAME` for this repository in the user's own configuration; gives the name that it
    has there. Raises GitFailed.
    """
    common = repository.common_dir
    place = common.parent if common.name == ".git" else common
    full_name = f"orch.{place}.{name}"
    repository.user_git.run("config", "--global", "--replace-all", full_name, value)
    return full_name


def allowed_secrets(repository: Repository) -> frozenset[str]:
    """Fingerprints of texts that look like secrets and, as the user says, are none."""
    own = of_own_scopes(repository, "orch.allowsecret")
    return frozenset(word.lower() for word in _names(own.get("orch.allowsecret", [])))


def ineffective(repository: Repository) -> list[str]:
    """The names of settings in the repository's own configuration that do not count there: those of
    orch.*, in lower case, and paths and programs of git's.
    """
    ours = [
        name
        for setting in repository.scoped_settings
        if (name := setting.name.lower()).startswith("orch.")
        and name not in _NARROWED
        and name != _NAME_ALONE
        and not _counts(setting, repository)
    ]
    hooks = ("hook.",)  # which run for nobody
    outvoted = repository.user_git.outvoted()
    return [*ours, *(name for name in outvoted if not name.startswith(hooks))]


def editor(repository: Repository) -> str:
    """The editor that git would open for the user."""
    return git.user_editor(of_own_scopes(repository, "core.editor").get("core.editor", [None])[-1])


def pager(repository: Repository) -> str | None:
    """The user's own core.pager."""
    return of_own_scopes(repository, "core.pager").get("core.pager", [None])[-1]


def _counts(setting: Scoped, repository: Repository) -> bool:
    places = tuple(map(str, repository.places))
    return scopes.is_own(setting, places, repository.variables)


def _one_of(choices: tuple[str, ...], name: str, value: str | None) -> str:
    if value is None or value == "":
        return choices[0]
    if value.lower() not in choices:
        raise errors.UsageError(
            f"'{name}' is '{value}': it can be {' or '.join(choices)}",
            f"git config --global {name} {choices[0]}",
        )
    return value.lower()


def _agent(value: str | None) -> str:
    """The choice of the program that does agent steps."""
    choice = value or agents.OWN
    try:
        agents.program(choice)
    except ValueError as unfit:
        raise errors.UsageError(
            f"'orch.agent' is '{choice}': {unfit}", f"git config --global orch.agent {agents.OWN}"
        ) from unfit
    return choice


def _flag(name: str, value: str | None) -> bool:
    if value is None or value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise errors.UsageError(
        f"'{name}' is '{value}': it can be true or false", f"git config --global {name} false"
    )


def _budget(
    repository: Repository, own: Mapping[str, Sequence[str | None]], name: str, default: float
) -> float:
    """USD, 0 where there is no limit: the user's own value, or `default` where the user has none,
    or the repository's where that is less.
    """
    usual = _usd(name, own[name.lower()][-1], "--global ") if name.lower() in own else default
    others = [
        _usd(name, setting.value, "")
        for setting in repository.scoped_settings
        if setting.name.lower() == name.lower() and not _counts(setting, repository)
    ]
    limits = [value for value in [usual, *others[-1:]] if value > 0]
    return min(limits) if limits else 0.0


def _usd(name: str, value: str | None, scope: str) -> float:
    if value is None or value == "":
        return 0.0
    try:
        amount = float(value)
    except ValueError:
        amount = -1.0
    if not 0 <= amount <= _MOST_USD:  # what is no number is in no range
        hint = f"git config {scope}{name} 0"
        raise errors.UsageError(f"'{name}' is '{value}': it must be USD, 0 for none", hint)
    return amount


def _seconds(name: str, value: str | None, usual: float) -> float:
    """A time in seconds, at most a day."""
    if value is None or value == "":
        return usual
    if not value.isdecimal() or not 1 <= int(value) <= _DAY:
        raise errors.UsageError(
            f"'{name}' is '{value}': it must be 1 to {_DAY} seconds",
            f"git config --global {name} {usual:.0f}",
        )
    return float(value)


def _span(name: str, value: str | None) -> float:
    """A wait in seconds; `true` is durations.WAIT, `false` and `never` are none."""
    if value is None or value.lower() in _TRUE - {"1"}:
        return durations.seconds(durations.WAIT) or 0.0
    if value.lower() in {*_FALSE, "never"}:
        return 0.0
    span = durations.seconds(value)
    if span is None or span > durations.LONGEST_WAIT:
        raise errors.UsageError(
            f"'{name}' is '{value}': it must be a time such as 90m or 6h, at most 7d",
            f"git config --global {name} {durations.WAIT}",
        )
    return span


def _days(name: str, value: str | None, usual: int) -> int:
    """A number of days; 0 and `never` are no end."""
    if value is None or value == "":
        return usual
    if value.lower() == "never":
        return 0
    if not value.isdecimal() or int(value) > _MOST_DAYS:
        raise errors.UsageError(
            f"'{name}' is '{value}': it must be 0 to {_MOST_DAYS} days, or never",
            f"git config --global {name} {usual}",
        )
    return int(value)


def _tokens(name: str, value: str | None, usual: int) -> int:
    """A number of tokens; 0 is none."""
    if value is None or value == "":
        return usual
    if not value.isdecimal() or int(value) > _MOST_TOKENS:
        raise errors.UsageError(
            f"'{name}' is '{value}': it must be 0 to {_MOST_TOKENS} tokens",
            f"git config --global {name} {usual}",
        )
    return int(value)


def _names(values: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(" ".join(value or "" for value in values).replace(",", " ").split())


def _hosts(name: str, values: Sequence[str | None]) -> tuple[str, ...]:
    """Hosts, each with its port, in their one spelling."""
    listed = []
    for value in _names(values):
        try:
            listed.append(hosts.parse(value, None).text())
        except ValueError as wrong:
            example = f"git config --global --replace-all {name} localhost:8080"
            raise errors.UsageError(f"'{name}' is '{value}': it {wrong}", example) from wrong
    return tuple(listed)


def _optional_path(name: str, value: str | None) -> str | None:
    return _path(name, value) if value else None


def _path(name: str, value: str | None) -> str:
    """An absolute path; a leading ~ is the user's home, as in git-config(1)."""
    path = os.path.expanduser(value or "")
    if not os.path.isabs(path):
        raise errors.UsageError(
            f"'{name}' is '{value}': it must be an absolute path",
            f"git config --global {name} /...",
        )
    return os.path.normpath(path)
