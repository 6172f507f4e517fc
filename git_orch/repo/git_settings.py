"""The table of git's settings that name a path, a program, a transport or a ref, and what git-orch
does about each.

A path, a program or a transport counts only from the user's own scopes (system, global, command
line), as git's protected configuration does. `tests/data/harmless_settings.txt` has git's other
settings; a test fails where the installed git knows one that stands in neither.
"""

from __future__ import annotations

import functools
import re
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """The kind of thing that a setting's value names."""

    PATH = "path"
    PROGRAM = "program"
    TRANSPORT = "transport"  # a URL, or the way to it
    REF = "ref"


class Care(Enum):
    """The measure that git-orch takes about a setting."""

    PINNED = "every call has a value of git-orch's own"
    OWN = "every call outvotes the repository's value by the user's own, or by none"
    DRIVER = "as OWN; where git looks at files, it does not count at all"
    FETCHED = "only a fetch reads it, and a fetch sees the user's own scopes alone"
    PROTECTED = "git itself takes it from the user's own scopes alone"
    REFUSED = "the command ends where the repository sets it to lead elsewhere"
    INCLUDED = "git reads the file as configuration of the repository"
    CONTENT = "it says what is in the repository, and may"
    UNREAD = "no call of git-orch reads it"


class Row(NamedTuple):
    """A setting, or a pattern of settings: `<name>` stands for any text, `*` for the rest.

    `value` is the one that git-orch gives a PINNED one, and an OWN one that the user does not set.
    """

    name: str
    kind: Kind
    care: Care
    value: str = ""


def _rows(kind: Kind, care: Care, names: str) -> list[Row]:
    """The rows of settings, given as `name` or `name=value`."""
    pairs = (word.partition("=") for word in names.split())
    return [Row(name, kind, care, value) for name, _, value in pairs]


TABLE = (
    # Programs
    *_rows(Kind.PROGRAM, Care.PINNED, """
        core.alternateRefsCommand= core.editor=false core.fsmonitor=false core.hooksPath=/dev/null
        core.pager=cat diff.external= sequence.editor=false"""),
    *_rows(Kind.PROGRAM, Care.DRIVER, """
        diff.<driver>.command diff.<driver>.textconv filter.<driver>.clean
        filter.<driver>.process filter.<driver>.required=false filter.<driver>.smudge
        hook.<name>.command hook.<name>.enabled=false hook.<name>.event
        merge.<driver>.driver=false trailer.<key>.cmd trailer.<key>.command"""),
    *_rows(Kind.PROGRAM, Care.OWN, """
        branch.<name>.mergeOptions gpg.openpgp.program=gpg gpg.program=gpg
        gpg.ssh.defaultKeyCommand=false gpg.ssh.program=ssh-keygen gpg.x509.program=gpgsm
        gpg.<format>.program pull.octopus=octopus pull.twohead=ort"""),
    *_rows(Kind.PROGRAM, Care.FETCHED, """
        core.askPass core.gitProxy core.sshCommand credential.* credential.<url>.*
        remote.<name>.uploadpack remote.<name>.vcs ssh.variant"""),
    *_rows(Kind.PROGRAM, Care.PROTECTED, "uploadpack.packObjectsHook"),
    *_rows(Kind.PROGRAM, Care.UNREAD, """
        alias.* alias.<name>.command browser.<tool>.cmd browser.<tool>.path diff.guitool diff.tool
        difftool.<tool>.cmd difftool.<tool>.path gc.recentObjectsHook gitcvs.dbDriver
        guitool.<name>.cmd help.browser imap.tunnel instaweb.browser instaweb.httpd
        interactive.diffFilter man.<tool>.cmd man.<tool>.path man.viewer merge.guitool merge.tool mergetool.<tool>.cmd
        mergetool.<tool>.path pager.* receive.procReceiveRefs remote.<name>.receivepack
        sendemail.ccCmd sendemail.headerCmd sendemail.smtpServer sendemail.toCmd
        submodule.<name>.update tar.<format>.command web.browser"""),
    # Paths
    *_rows(Kind.PATH, Care.PINNED, "diff.orderFile=/dev/null mailmap.file="),
    *_rows(Kind.PATH, Care.OWN, """
        core.attributesFile core.excludesFile gpg.ssh.allowedSignersFile gpg.ssh.revocationFile
        user.signingKey"""),
    *_rows(Kind.PATH, Care.REFUSED, "core.worktree extensions.refStorage"),
    *_rows(Kind.PATH, Care.INCLUDED, "include.path includeIf.<condition>.path"),
    *_rows(Kind.PATH, Care.PROTECTED, """
        safe.bareRepository safe.directory trace2.eventTarget trace2.normalTarget
        trace2.perfTarget"""),
    *_rows(Kind.PATH, Care.FETCHED, "fetch.fsck.skipList http.* http.<url>.*"),
    *_rows(Kind.PATH, Care.UNREAD, """
        blame.ignoreRevsFile commit.template core.alternateRefsPrefixes format.outputDirectory
        format.signatureFile fsck.skipList fsmonitor.socketDir gc.repackFilterTo gitcvs.dbName
        gitcvs.logFile gui.spellingDictionary help.htmlPath init.templateDir instaweb.modulePath
        receive.fsck.skipList sendemail.aliasesFile sendemail.mailmap.file
        sendemail.smtpSSLCertPath sendemail.smtpSSLClientCert sendemail.smtpSSLClientKey
        submodule.<name>.gitdir submodule.alternateLocation"""),
    # Transports
    *_rows(Kind.TRANSPORT, Care.FETCHED, """
        bundle.* bundle.<id>.* fetch.bundleCreationToken fetch.bundleURI
        promisor.* protocol.* protocol.<name>.allow remote.<name>.proxy
        remote.<name>.proxyAuthMethod remote.<name>.serverOption transfer.bundleURI
        transfer.credentialsInUrl url.<base>.insteadOf"""),
    *_rows(Kind.TRANSPORT, Care.CONTENT, """
        extensions.partialClone remote.<name>.advertisedAs remote.<name>.partialclonefilter
        remote.<name>.promisor remote.<name>.url"""),
    *_rows(Kind.TRANSPORT, Care.UNREAD, """
        browser.<tool>.url gitweb.url imap.host remote.<name>.pushurl sendemail.<identity>.*
        sendemail.<identity>.<config> sideband.<url>.* submodule.<name>.url
        url.<base>.pushInsteadOf hasconfig:remote.*.url"""),
    # Refs
    *_rows(Kind.REF, Care.PINNED, "mailmap.blob="),
    *_rows(Kind.REF, Care.CONTENT, """
        attr.tree branch.<name>.merge branch.<name>.pushRemote branch.<name>.remote core.notesRef
        notes.displayRef remote.<name>.fetch"""),
    *_rows(Kind.REF, Care.UNREAD, """
        bitmapPseudoMerge.<name>.pattern checkout.defaultRemote clone.defaultRemoteName
        fetch.followRemoteHEAD format.notes gitweb.remote_heads init.defaultBranch
        log.excludeDecoration log.initialDecorationSet notes.rewriteRef pack.island
        pack.islandCore pack.preferBitmapTips receive.hideRefs remote.<name>.followRemoteHEAD
        remote.<name>.negotiationInclude remote.<name>.negotiationRestrict remote.<name>.push
        remote.pushDefault sendemail.mailmap.blob transfer.hideRefs uploadpack.hideRefs"""),
)  # fmt: skip

PINNED = tuple(f"{row.name}={row.value}" for row in TABLE if row.care is Care.PINNED)

# What git starts a hook of its configuration for. It counts for nobody.
_HOOK = re.compile(r"hook\.(.+)\.(?:command|event|enabled)", re.DOTALL)


def pattern(name: str) -> str:
    """The regular expression of a row's name, for names as git prints them."""
    parts = re.split(r"(<[^>]*>|\*)", name.lower())
    return "".join(".+" if part[:1] in ("<", "*") and part else re.escape(part) for part in parts)


def matches(name: str, *cares: Care) -> bool:
    """Whether a setting gets one of these cares, whatever its subsection may be."""
    names = _of_section(name.partition(".")[0].lower(), cares)
    return names is not None and names.fullmatch(name) is not None


@functools.cache
def _of_section(section: str, cares: tuple[Care, ...]) -> re.Pattern[str] | None:
    """The names of one section: to compile all of the table takes longer than a command of git."""
    rows = [row.name for row in TABLE if row.care in cares]
    names = [pattern(row) for row in rows if row.lower().startswith(f"{section}.")]
    return re.compile(f"(?is:{'|'.join(names)})") if names else None


def none(name: str) -> str:
    """The value that stands for a setting of the table that the user does not have."""
    rows = (row for row in TABLE if row.care in (Care.OWN, Care.DRIVER))
    return next(row.value for row in rows if re.fullmatch(f"(?is:{pattern(row.name)})", name))


def words() -> frozenset[bytes]:
    """The last words of the settings that a call has to outvote, in lower case: where none of them
    is in a file, the file sets none of them.
    """
    rows = (row for row in TABLE if row.care in (Care.OWN, Care.DRIVER))
    last = {row.name.rpartition(".")[2].lower().encode("ascii") for row in rows}
    return frozenset(last | INCLUDING | {b"refstorage"})


INCLUDING = frozenset({b"include", b"includeif"})


def hooks(names: list[str]) -> list[str]:
    """The hooks that settings of these names define, by their own names."""
    defined = (_HOOK.fullmatch(name) for name in names)
    return list(dict.fromkeys(match[1] for match in defined if match is not None))
