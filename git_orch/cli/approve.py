"""git orch approve: allow a plan to run on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import agents, hosts, ids, selection
from git_orch.plans import approval as approvals
from git_orch.plans.file import emitter
from git_orch.plans.plan import Plan
from git_orch.repo import settings
from git_orch.repo.local import setup_approvals
from git_orch.repo.repository import Repository
from git_orch.views import console

if TYPE_CHECKING:
    from git_orch.flow.approval.approve import Offer


@click.command("approve")
@here.plan_argument
@here.budget_option
@click.option(
    "--network",
    multiple=True,
    metavar="LIST",
    help="Grant the network to these steps, which ask for it: 2, or all.",
)
@click.option(
    "--setup",
    is_flag=True,
    help="Let orch.setup run for this repository, this plan and later ones.",
)
@click.option("--setup-network", is_flag=True, help="Let orch.setup run with the network.")
@click.option(
    "--agent",
    metavar="AGENT",
    help="Let this agent program do the steps that name none, with the keys of orch.agentKey.",
)
@click.option("--in-place", is_flag=True, help="Let its steps work in your own checkout.")
@click.option(
    "--sign",
    is_flag=True,
    help="Sign the approval in the log with your own key, for other machines.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be approved; approve nothing.")
@click.option(
    "--digest", metavar="DIGEST", help="Approve only what has this digest, as --dry-run printed it."
)
@click.option("--with-comments", is_flag=True, help="Approve although comments are open.")
@here.json_option
def command(
    plan: str | None,
    max_usd: float | None,
    network: tuple[str, ...],
    digest: str | None,
    agent: str | None,
    *,
    as_json: bool,
    **flags: bool,
) -> None:
    """Approve a plan as it is now. The command prints all that may then run on this machine, for 30
    days.
    """
    from git_orch.flow.approval import approve
    from git_orch.flow.documents import comments
    from git_orch.flow.machine import shares
    from git_orch.flow.planning import base

    with here.open_plan(plan) as opened:
        status = opened.status()
        comments.require_no_conflict(status, opened.name)
        if not flags["with_comments"]:
            comments.require_none_open(status, opened.name)
        setup_network = flags["setup_network"]
        wants_setup = flags["setup"] or setup_network
        ready = _setup(opened.repository, network=setup_network) if wants_setup else None
        chosen = settings.of_user(opened.repository)
        usual = here.agent(agent, chosen)
        by_agents = agents.grants_needed(status.plan.steps, usual, chosen.agentKey)
        more = approvals.Grants(
            setup=ready, in_place=flags["in_place"], agents=tuple(sorted(by_agents))
        )
        tree = base.start_tree(opened, status)
        asked = approve.Asked(_steps(network, status.plan), tree, more)
        offer = approve.make_offer(opened, status, asked)
        if digest is not None and digest != offer.digest:
            raise errors.Refused(
                f"the digest of '{opened.name}' with these grants is not {digest}",
                f"git orch approve --dry-run {opened.name}",
            )
        dry_run = flags["dry_run"]
        _show(offer, _approving(opened.name, offer) if dry_run else None, as_json=as_json)
        if not as_json:
            shared = shares.of(opened.repository, settings.of_user(opened.repository))
            console.out(f"shared   {shared.line() or 'nothing'}")
        if dry_run:
            return
        new = approve.approve(opened, status, offer, max_usd, sign=flags["sign"])
        if ready is not None:
            setup_approvals.write(opened.repository, ready)
    if not as_json:
        already = "" if new else "already "
        console.out(f"{already}approved on this machine; run: git orch exec {opened.name}")


def _steps(network: Sequence[str], plan: Plan) -> list[int] | None:
    """Step numbers; None for every step that asks."""
    if "all" in network:
        return None
    return selection.numbers(",".join(network), len(plan.steps)) if network else []


def _setup(repository: Repository, *, network: bool) -> approvals.Setup:
    chosen = settings.of_user(repository).setup
    if chosen is None:
        raise errors.UsageError(
            "orch.setup is not set: there is nothing to allow",
            "git orch setup",
        )
    return approvals.Setup(chosen, network)


def _approving(name: str, offer: Offer) -> str:
    """The command that approves the offer, and nothing else."""
    what = offer.value()
    network = ",".join(str(what.plan.position(step)) for step in what.grants.network)
    options = [f"--network {network}"] if network else []
    if what.grants.setup is not None:
        options.append("--setup-network" if what.grants.setup.network else "--setup")
    options += agents.options(what.grants.agents, what.plan.steps)
    if what.grants.in_place:
        options.append("--in-place")
    return " ".join(["git orch approve", name, *options, "--digest", offer.digest])


def _show(offer: Offer, approving: str | None, *, as_json: bool) -> None:
    """Print the whole content of the offer, read from the very bytes that are hashed and recorded;
    `approving` is the command that has yet to approve it.
    """
    what = offer.value()
    if as_json:
        following = approving or f"git orch exec {ids.short(what.id)}"
        here.print_json({"digest": offer.digest, **what.document()}, following)
        return
    console.out(emitter.to_yaml(what.plan).rstrip("\n"))
    console.out()
    follows = f", following {what.follows}" if what.follows else ""
    console.out(f"plan     {what.id}")
    console.out(f"made on  {what.base or 'an empty repository'}{follows}")
    if what.tree is not None:
        console.out(f"tree     {what.tree}")
    console.out(f"network  {_network(what)}")
    if what.grants.setup is not None:
        more = ", with the network" if what.grants.setup.network else ""
        console.out(f"setup    {what.grants.setup.command}{more}")
    for grant in what.grants.agents:
        console.out(f"agent    {grant}")
    if what.grants.in_place:
        console.out("in place its steps may work in your own checkout")
    console.out(f"policy   {what.policy}")
    console.out(f"digest   {offer.digest}")
    if approving is not None:
        console.out(f"nothing is approved yet; next: {approving}")


def _network(what: approvals.Approved) -> str:
    def numbers(steps: Sequence[str]) -> str:
        return ", ".join(str(what.plan.position(step)) for step in steps)

    denied = [
        step.id for step in approvals.network_steps(what.plan) if step.id not in what.grants.network
    ]
    steps = [step for step in what.plan.steps if step.id in what.grants.network]
    listed = [
        f"for step {numbers([step.id])}: {hosts.words(step.network)}"
        for step in steps
        if step.network is not True
    ]
    whole = [step.id for step in steps if step.network is True]
    if whole:
        listed.insert(0, f"for step {numbers(whole)}, this machine's own services included")
    if denied:
        refused = f"step {numbers(denied)} asks for it and does not get it"
        return f"{'; '.join(listed) or 'for no step'}; {refused}"
    return "; ".join(listed) or "for no step"
