"""git orch approve: allow a plan to run on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from git_orch import errors
from git_orch.cli import here
from git_orch.plans import approval as approvals
from git_orch.plans import ids, selection
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
    help="Steps that get the network they ask for: 2, or all.",
)
@click.option(
    "--setup",
    is_flag=True,
    help="Let orch.setup run for this repository, this plan and later ones.",
)
@click.option("--setup-network", is_flag=True, help="The same, with the network.")
@click.option("--in-place", is_flag=True, help="Let its steps work in your own checkout.")
@click.option(
    "--sign", is_flag=True, help="Sign it in the log with your own key, for other machines."
)
@here.json_option
def command(
    plan: str | None,
    max_usd: float | None,
    network: tuple[str, ...],
    *,
    setup: bool,
    setup_network: bool,
    in_place: bool,
    sign: bool,
    as_json: bool,
) -> None:
    """Approve a plan as it is now: what is printed is what may run on this machine, for 30 days."""
    from git_orch.flow.approval import approve
    from git_orch.flow.machine import shares
    from git_orch.flow.planning import base

    with here.open_plan(plan) as opened:
        status = opened.status()
        ready = _setup(opened.repository, network=setup_network) if setup or setup_network else None
        more = approvals.Grants(setup=ready, in_place=in_place)
        tree = base.start_tree(opened, status)
        asked = approve.Asked(_steps(network, status.plan), tree, more)
        offer = approve.make_offer(opened, status, asked)
        _show(offer, as_json=as_json)
        if not as_json:
            shared = shares.of(opened.repository, settings.of_user(opened.repository))
            console.out(f"shared   {shared.line() or 'nothing'}")
        approve.approve(opened, status, offer, max_usd, sign=sign)
        if ready is not None:
            setup_approvals.write(opened.repository, ready)
    if not as_json:
        console.out(f"approved on this machine; run: git orch exec {opened.name}")


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


def _show(offer: Offer, *, as_json: bool) -> None:
    """Print the whole content of the offer, read from the very bytes that are hashed and recorded."""
    what = offer.value()
    if as_json:
        following = f"git orch exec {ids.short(what.id)}"
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
    if what.grants.in_place:
        console.out("in place its steps may work in your own checkout")
    console.out(f"policy   {what.policy}")
    console.out(f"digest   {offer.digest}")


def _network(what: approvals.Approved) -> str:
    def numbers(steps: Sequence[str]) -> str:
        return ", ".join(str(what.plan.position(step)) for step in steps)

    denied = [
        step.id for step in approvals.network_steps(what.plan) if step.id not in what.grants.network
    ]
    granted = (
        f"for step {numbers(what.grants.network)}, this machine's own services included"
        if what.grants.network
        else "for no step"
    )
    return granted + (f"; step {numbers(denied)} asks for it and does not get it" if denied else "")
