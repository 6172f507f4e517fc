"""The forms of sentences that git-orch understands, each with its command.

In a form `a|b` is one of two words, `a?` a word that may be missing, PLAN a plan by its ID, its
handle, its title (`titles`), or a word such as `it`; N is the number of a step, TEXT a text to the
end, NAME a short one that may be somebody's name, QUOTED a text between quotes. Articles do not
count. In a command {plan}, {n} and {text} stand for what the sentence says; a plan that `it` means
is left out, because the command finds it.
"""

from __future__ import annotations

_EXECUTE = "execute|exec|run|build|implement|start|launch|begin"
_MAKE = "generate|create|make|write|add|produce|draw|auto-create|auto-generate|new|get"
_SHOW = "show|view|display|see|print|give|get|open|read"
_SPEC = "spec|specify|design|blueprint|specification|detail"
_SPECS = "spec|specs|specification|specifications"
_OF = "for|of|on|in|about|from|with|to"

FORMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ready {plan}", (
        "ready PLAN",
        "plan|idea ready PLAN?",
        "mark|set|make|flag PLAN as? to? be? ready",
        "mark|set|make|flag as? ready PLAN?",
        "set status of? PLAN? to|as ready",
        "PLAN is? now? ready",
    )),
    ("ready --undo {plan}", (
        "unready PLAN",
        "mark|set|make|flag PLAN as? not ready",
        "mark|set|make|flag|turn PLAN as|into|back? to? draft again?",
        "mark|set as draft PLAN?",
        "PLAN is not ready",
    )),
    ("orchestrate", (
        "orchestrate all|ready|my|our? ready? plans?",
        f"{_MAKE} all? specs|specifications",
        f"{_MAKE} all? {_SPECS} {_OF} all? my|our? ready? plans",
        f"{_SPECS} {_OF} all? my|our? ready? plans",
        f"{_SPEC} all? my|our? ready? plans",
        f"{_SPEC} everything that? is? ready",
        "specs",
    )),
    ("spec {plan}", (
        f"{_SPEC} out? {_OF}? PLAN",
        f"{_MAKE} {_SPECS} {_OF}? PLAN?",
        f"PLAN {_SPEC}",
        "turn PLAN into spec",
    )),
    ("spec {plan!} {text}", (
        f"{_SPEC} {_OF} PLAN TEXT",
        f"{_SPEC} ID TEXT",
        f"{_SPEC} it|this|that QUOTED",
        f"{_SPEC} QUOTED {_OF} PLAN",
        f"{_MAKE} {_SPECS} {_OF} PLAN TEXT",
        f"{_MAKE} {_SPECS} called|named|titled? QUOTED {_OF} PLAN",
        f"{_SPEC} TEXT-OF-PLAN",
        f"{_MAKE} {_SPECS} TEXT-OF-PLAN",
    )),
    ("spec {plan?} {text}", (
        f"{_SPEC} out? {_OF}? TEXT",
        f"{_MAKE} {_SPECS} {_OF}|called|named|titled? QUOTED",
    )),
    ("scout {plan}", (
        "scout|scouting out? PLAN?",
        f"{_SHOW}|{_MAKE} implementation? checklist|tasks {_OF}? PLAN?",
        f"implementation? checklist {_OF}? PLAN?",
        f"scout|checklist {_OF} PLAN",
        f"what is|are left|missing|open {_OF} PLAN",
    )),
    ("scout {plan} --tick {n}", (f"tick|check off? item|task N {_OF}|in? PLAN?",)),
    ("scout {plan} --untick {n}", (f"untick|uncheck item|task N {_OF}|in? PLAN?",)),
    ("exec {plan}", (
        f"{_EXECUTE} {_OF}|with? PLAN",
        "execute|exec|run",
        f"{_EXECUTE} implementation|work|execution {_OF}? PLAN?",
        f"start|begin implementing|executing|building|running|working {_OF}? PLAN",
        f"track execution {_OF}? PLAN?",
        "resume|continue|proceed with? PLAN?",
        f"resume|continue run|work|execution {_OF}? PLAN?",
        "keep going",
        f"{_EXECUTE}|try PLAN again",
        f"{_EXECUTE}|try again",
        "rerun|re-run|retry PLAN?",
        "carry|go on with? PLAN?",
    )),
    ("exec {plan} --dry-run", (
        "dry-run|dryrun PLAN?",
        f"dry run {_OF}? PLAN?",
        "what would run",
    )),
    ("exec {plan} --steps {n}", (
        f"{_EXECUTE} only|just? step|steps N {_OF}? PLAN?",
        f"{_EXECUTE} PLAN step|steps N",
    )),
    ("exec {plan} --from-step {n}", (
        f"{_EXECUTE}|resume|continue {_OF}? PLAN? from|at step N",
        f"{_EXECUTE}|resume|continue from|at step N {_OF} PLAN",
    )),
    ("status", (
        "status",
        f"{_SHOW}|what status",
        "what is status|up|happening|next|new|running|open|pending|left|todo|ready",
        "what is in flight|progress",
        "what is going on",
        "where are|were|was|am we|i at?",
        "where did we|i stop|leave? off?",
        "what are|were|was|am we|i working|doing on? last?",
        "what did we|i work|do on? last|yesterday?",
        "what failed|next|now|runs",
        f"{_SHOW} me? what|everything|all that? failed",
        "what to do now|next?",
        "what is next step|thing|command",
        "what comes next",
        "which|what steps are left|open|missing|pending|undone",
        "what should|can|do|must we|i do next|now?",
        "catch me|us up",
        "bring me|us up to speed",
        "how far are|am we|i",
        f"{_SHOW}|any? progress",
        "pick up where we|i left off",
        "next|next-step",
    )),
    ("status {plan}", (
        f"{_SHOW}? status {_OF} PLAN",
        "status PLAN",
        f"what is status|state {_OF} PLAN",
        "how is PLAN doing|going",
        "how far is PLAN",
        f"{_SHOW}? progress {_OF} PLAN",
        "is PLAN done|finished|ready|running",
    )),
    ("ls", (
        "ls all? plans|specs|ideas?",
        "list all? my|our? plans|specs|ideas|specifications?",
        f"{_SHOW} me? all? my|our? plans|specs|ideas",
        "plans|ideas",
        "all plans|specs|ideas",
        "what|which plans|specs|ideas are there|here?",
        "what|which plans|specs|ideas do|have we|i have?",
        "plan list|ls",
    )),
    ("ls --open", (
        "ls|list|show all? my|our? open|active|current plans|specs|ideas",
        "what|which plans|specs are open|active",
    )),
    ("ls --all", (
        "ls|list|show all? archived plans|specs|ideas",
        "ls|list|show plans|specs with archived",
    )),
    ("show {plan}", (
        f"{_SHOW}|describe|cat|inspect PLAN",
        f"{_SHOW} me PLAN",
        f"{_SHOW}? steps {_OF} PLAN",
        "what is PLAN",
        "what is in PLAN",
        "who owns PLAN",
        "plan show PLAN?",
    )),
    ("show {plan} {n}", (
        f"{_SHOW}|describe|inspect step N {_OF}? PLAN?",
        f"{_SHOW} me step N {_OF}? PLAN?",
        f"what is step N {_OF}? PLAN?",
    )),
    ("log {plan}", (
        f"{_SHOW}? execution? log|history {_OF}? PLAN?",
        f"what happened {_OF}? PLAN?",
        f"{_SHOW}? PLAN log|history",
    )),
    ("diff {plan}", (
        f"{_SHOW}? diff|changes {_OF}? PLAN?",
        f"what changed {_OF}? PLAN?",
        "what did PLAN change",
    )),
    ("diff {plan} {n}", (
        f"{_SHOW}? diff|changes {_OF} step N {_OF}? PLAN?",
        f"what changed {_OF} step N {_OF}? PLAN?",
        f"{_SHOW} me? what changed {_OF} step N {_OF}? PLAN?",
        f"{_SHOW} me? what step N {_OF}? PLAN? changed",
        "diff step N",
    )),
    ("cost {plan}", (
        f"{_SHOW}? cost|costs|price|spending {_OF}? PLAN?",
        "what does|did|do|will|has PLAN cost|costs",
        "how much does|did|do|will|has PLAN cost so? far?",
        "what does|did|do|has PLAN cost|costs so far",
        "how much have we|i spent so? far?",
        f"what is cost|price {_OF}? PLAN?",
        "how much did we|i spend",
    )),
    ("owner who", (
        "owner who?",
        "who is owner|default?",
        "who am i",
        "whoami",
        "who owns new? plans|specs",
        f"{_SHOW}|what owner",
        f"{_SHOW}|explain owner chain|resolution",
        "which owner",
        "what is my? owner",
    )),
    ("owner set {name} {plan!}", (
        "owner set QUOTED|WORD for|of PLAN",
        "set|change|make owner of|for PLAN to|as|= NAME",
        "set|change owner PLAN to|as NAME",
        "assign|give|hand PLAN over? to NAME",
    )),
    ("owner set {name}", (
        "owner set NAME",
        "set|change|make my|our|default? owner to|as|= NAME",
        "set|change owner NAME",
        "owner is NAME",
    )),
    ("comment {plan} {n} {text}", (
        f"comment on? step N QUOTED {_OF}? PLAN?",
        "comment on? step N of|in PLAN that? TEXT",
        "comment on? step N that? TEXT",
        "comment QUOTED on|to step N",
        "add|write|make|leave comment on|to|for step N of|in PLAN that? TEXT",
        "add|write|make|leave comment on|to|for step N that? TEXT",
        "add|write|make|leave comment QUOTED on|to|for step N",
    )),
    ("comment {plan} --close {n}", (f"close|resolve comment N {_OF}? PLAN?",)),
    ("comment {plan}", (
        f"{_SHOW}|list|what|which? open? comments are? open? {_OF}? PLAN?",
        "are there any? open? comments",
    )),
    ("note {plan} {text}", (
        "note QUOTED for|on|in|about|to? PLAN?",
        "add|write|make|take|log|leave|record note QUOTED for|on|in|about|to? PLAN?",
        "note that? TEXT",
        "add|write|make|take|log|leave|record note TEXT",
    )),
    ("note {plan} {text} --decision", (
        "add|write|log|note|record? decision QUOTED for|on|in|about|to? PLAN?",
        "add|write|log|note|record? decision TEXT",
        "we|i decided to|that? TEXT",
    )),
    ("note {plan} {text} --blocker", (
        "add|write|log|note|record? blocker QUOTED for|on|in|about|to? PLAN?",
        "add|write|log|note|record? blocker TEXT",
        "we|i are|am blocked by|on|because TEXT",
    )),
    ("note {plan} {text} --progress", (
        "add|write|log|note|record progress QUOTED for|on|in|about|to? PLAN?",
        "add|write|log|note|record progress TEXT",
        "progress QUOTED for|on|in|about|to? PLAN?",
    )),
    ("undo {plan}", (
        "undo PLAN?",
        "undo|revert last|latest change|command|edit|step?",
        "undo last|latest|that?",
        "undo last|latest thing|action|one",
        "undo what i|we did last?",
        "take PLAN back",
        "take back PLAN",
        "take back last|latest? change|edit",
        "undo last|latest change|command of|in|to PLAN",
    )),
    ("rollback {plan}", (
        "rollback|unwind PLAN?",
        "roll PLAN back",
        "roll back PLAN?",
        f"rollback|revert all steps {_OF}? PLAN?",
        f"roll back all? everything|steps {_OF}? PLAN?",
        "rollback everything",
    )),
    ("rollback {plan} --last 1", (
        f"rollback|revert last step {_OF}? PLAN?",
        f"roll|take back last step {_OF}? PLAN?",
    )),
    ("rollback {plan} --last {n}", (
        f"rollback|revert last N steps {_OF}? PLAN?",
        f"roll|take back last N steps {_OF}? PLAN?",
    )),
    ("rollback {plan} --to-step {n}", (
        f"rollback|revert PLAN? to step N {_OF}? PLAN?",
        f"roll PLAN? back PLAN? to step N {_OF}? PLAN?",
        f"go back to step N {_OF}? PLAN?",
    )),
    ("rollback {plan} --to-step {before}", (
        f"rollback|revert step N {_OF}? PLAN?",
        f"roll|take back step N {_OF}? PLAN?",
        f"undo step N {_OF}? PLAN?",
    )),
    ("redo {plan} {n}", (
        f"redo|rerun|re-run|repeat|retry step N {_OF}? PLAN?",
        f"run|do|execute step N {_OF}? PLAN? again",
        f"run|do|execute step N again {_OF}? PLAN?",
    )),
    ("drop {plan} {n}", (f"drop step N {_OF}? PLAN?",)),
    ("fix {plan} {n}", (f"fix|mend|repair step N {_OF}? PLAN?",)),
    ("done {plan} {n}", (
        f"done|finish|finished with? step N {_OF}? PLAN?",
        f"step N {_OF}? PLAN? is done|finished|complete",
        f"mark step N {_OF}? PLAN? as? done|finished|complete",
        f"i am done|finished with step N {_OF}? PLAN?",
    )),
    ("verify {plan} {n}", (
        f"verify|recheck|retest|test step N {_OF}? PLAN?",
    )),
    ("verify {plan}", ("verify|recheck|retest|test PLAN", "verify")),
    ("context {plan} --step {n}", (
        f"{_SHOW}? context|prompt {_OF} step N {_OF}? PLAN?",
    )),
    ("land {plan}", ("land|merge|ship|deliver|integrate PLAN", "land", "bring PLAN home")),
    ("land {plan} --onto {branch}", ("land|merge|ship PLAN? on|onto|into|to branch? WORD",)),
    ("rebase {plan}", ("rebase PLAN?",)),
    ("rebase {plan} --onto {branch}", ("rebase PLAN? on|onto branch? WORD",)),
    ("approve {plan}", ("approve PLAN?", "i approve PLAN")),
    ("archive {plan}", (
        "archive|shelve|abandon|discard PLAN",
        "delete|remove PLAN",
        "put PLAN away|aside",
        "put away|aside PLAN",
    )),
    ("archive --undo {plan}", (
        "unarchive|restore PLAN",
        "bring PLAN back",
        "bring back PLAN",
    )),
    ("stop {plan}", (
        "stop|halt|cancel|interrupt|abort PLAN?",
        "stop|halt|cancel|interrupt|abort everything|all",
        f"stop|halt|cancel|interrupt|abort run|execution {_OF}? PLAN?",
    )),
    ("wait {plan}", (
        "wait for? PLAN?",
        f"wait for run|end {_OF}? PLAN?",
        "wait until PLAN is done|finished|over",
    )),
    ("edit {plan}", ("edit PLAN", "edit|change text of PLAN")),
    ("check {plan}", ("check|validate|lint PLAN", "check")),
    ("graph {plan}", (f"{_SHOW}? graph|dependencies {_OF}? PLAN?",)),
    ("state {plan}", (f"{_SHOW}? state {_OF}? PLAN?",)),
    ("docs", (
        f"export|update|refresh|sync|write|{_SHOW} docs|documents|documentation",
        "export plans|specs|everything",
        "docs",
    )),
    ("docs --out {name}", ("export|write docs|documents|everything|plans to|into TEXT",)),
    ("fsck", ("fsck", "check everything|repository|links", "is everything ok|okay|fine|consistent")),
    ("fsck --repair", ("repair everything|repository|links|damage",)),
    ("init --hooks", ("init|install|add|enable git? hooks", "set up git? hooks")),
    ("init", ("init", "initialize|initialise repository?")),
    ("agent-docs --install", (
        "install agent-docs|skill",
        "install agent docs|documentation|instructions|skill",
    )),
    ("doctor", ("doctor", "check|test sandbox|machine")),
    ("audit", (f"{_SHOW}? audit log?",)),
    ("caps", ("caps", f"{_SHOW}|list capabilities|commands")),
    ("templates --init", (
        "template|templates init", "init|initialize|create|write|make my? templates",
    )),
    ("templates", ("templates", f"{_SHOW}|list plan? templates")),
    ("config", ("config", f"{_SHOW}|list config|configuration|settings")),
    ("help", ("help me?", "what can you|i do|say|ask", f"{_SHOW} help", "commands")),
)  # fmt: skip

# The words that the forms have themselves, which name no plan.
VOCABULARY = frozenset(
    word
    for _, forms in FORMS
    for form in forms
    for part in form.split()
    for word in part.rstrip("?").split("|")
    if word.islower()
)
