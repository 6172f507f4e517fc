# fish completion for `git orch`, which fish's own completion of git asks for. It asks git for plans and never starts Python.

# The words that were typed before the cursor and are no options, without `git-orch`.
function __git_orch_words
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        string match -q -- '-*' $word; or echo -- $word
    end
end

function __git_orch_needs_command
    test (count (__git_orch_words)) = 0
end

# Whether the command is this one; with a number, whether the cursor is at this argument of it.
function __git_orch_at -a command number
    set -l words (__git_orch_words)
    test "$words[1]" = $command; or return 1
    test -z "$number"; or test (count $words) = $number
end

function __git_orch_plans
    git for-each-ref --format='%(refname:lstrip=3)' 'refs/notes/orch/PLAN-*' 2>/dev/null
end

function __git_orch_archived
    git grep -hoE '"plan":"PLAN-[0-9A-Za-z-]+"' refs/notes/orch/archive 2>/dev/null | string replace -r '.*:"(.*)"' '$1' | sort -u
end

# The steps of the plan that was typed, whose name may be a part of its ID; else of the only plan.
function __git_orch_steps
    set -l plan (__git_orch_words)[2]
    test -n "$plan"; or set plan PLAN-
    set -l branches (git for-each-ref --format='%(refname)' 'refs/heads/orch/PLAN-*' 2>/dev/null | string match -ie -- $plan)
    test (count $branches) = 1; or return
    git log -1 --format=%B --grep='^Orch-Base: ' $branches -- 2>/dev/null | LC_ALL=C tr -d '\000-\011\013-\037\177' |
        string replace -rf '^ *([0-9]+)\. (.*)' '$1\t$2'
end

function __git_orch_refs
    echo HEAD
    git for-each-ref --format='%(refname:short)' refs/heads refs/tags refs/remotes 2>/dev/null
end

function __git_orch_branches
    git for-each-ref --format='%(refname:short)' refs/heads 2>/dev/null
end

# -- begin: `make completion` writes this part
complete -c git-orch -f -n __git_orch_needs_command -a plan -d 'turn a task, a file or a template into a plan'
complete -c git-orch -f -n __git_orch_needs_command -a ready -d 'mark an idea ready for its spec'
complete -c git-orch -f -n __git_orch_needs_command -a spec -d 'write the spec of a plan: its steps'
complete -c git-orch -f -n __git_orch_needs_command -a orchestrate -d 'write the spec of every plan that is ready'
complete -c git-orch -f -n __git_orch_needs_command -a scout -d 'show what a plan asks for, as a checklist'
complete -c git-orch -f -n __git_orch_needs_command -a comment -d 'comment on a part of a plan, for its next version'
complete -c git-orch -f -n __git_orch_needs_command -a note -d 'write a note into a plan\'s log'
complete -c git-orch -f -n __git_orch_needs_command -a owner -d 'show or set whom new plans belong to'
complete -c git-orch -f -n __git_orch_needs_command -a docs -d 'exchange plans with Markdown files'
complete -c git-orch -f -n __git_orch_needs_command -a agent-docs -d 'print a skill file that teaches agents git-orch'
complete -c git-orch -f -n __git_orch_needs_command -a do -d 'run the command that a sentence means'
complete -c git-orch -f -n __git_orch_needs_command -a otk -d 'run a command of orchestrator-toolkit'
complete -c git-orch -f -n __git_orch_needs_command -a check -d 'find mistakes that would make a plan fail'
complete -c git-orch -f -n __git_orch_needs_command -a approve -d 'allow a plan to run on this machine'
complete -c git-orch -f -n __git_orch_needs_command -a reject -d 'the old name of archive --why'
complete -c git-orch -f -n __git_orch_needs_command -a exec -d 'run the steps that are not done'
complete -c git-orch -f -n __git_orch_needs_command -a fix -d 'mend a failed step by hand'
complete -c git-orch -f -n __git_orch_needs_command -a adopt -d 'take a commit of yours as a step'
complete -c git-orch -f -n __git_orch_needs_command -a done -d 'check and commit your work on a manual step'
complete -c git-orch -f -n __git_orch_needs_command -a answer -d 'answer the question of a step\'s model'
complete -c git-orch -f -n __git_orch_needs_command -a wait -d 'wait until a plan\'s run has ended'
complete -c git-orch -f -n __git_orch_needs_command -a stop -d 'stop a run cleanly'
complete -c git-orch -f -n __git_orch_needs_command -a status -d 'show open plans and the next command'
complete -c git-orch -f -n __git_orch_needs_command -a ls -d 'list all plans, one a line'
complete -c git-orch -f -n __git_orch_needs_command -a show -d 'show a plan: steps, checks, states, commits'
complete -c git-orch -f -n __git_orch_needs_command -a log -d 'show the history of a plan'
complete -c git-orch -f -n __git_orch_needs_command -a diff -d 'show the changes of a plan or a step'
complete -c git-orch -f -n __git_orch_needs_command -a edit -d 'change a plan\'s text'
complete -c git-orch -f -n __git_orch_needs_command -a rollback -d 'take back steps'
complete -c git-orch -f -n __git_orch_needs_command -a undo -d 'take back the last change of a plan, or bring it again'
complete -c git-orch -f -n __git_orch_needs_command -a redo -d 'run one step again, in the middle of a plan'
complete -c git-orch -f -n __git_orch_needs_command -a drop -d 'take one step off the branch'
complete -c git-orch -f -n __git_orch_needs_command -a reorder -d 'change the order of the steps'
complete -c git-orch -f -n __git_orch_needs_command -a rebase -d 'put a plan onto another base'
complete -c git-orch -f -n __git_orch_needs_command -a land -d 'bring a finished plan to your branch'
complete -c git-orch -f -n __git_orch_needs_command -a pick -d 'put some steps of a plan onto a branch'
complete -c git-orch -f -n __git_orch_needs_command -a archive -d 'put a plan away, or bring it back'
complete -c git-orch -f -n __git_orch_needs_command -a unarchive -d 'the old name of archive --undo'
complete -c git-orch -f -n __git_orch_needs_command -a verify -d 'run a step\'s checks again'
complete -c git-orch -f -n __git_orch_needs_command -a state -d 'show a plan\'s state and its possible next states'
complete -c git-orch -f -n __git_orch_needs_command -a graph -d 'show which steps wait for which'
complete -c git-orch -f -n __git_orch_needs_command -a report -d 'write a plan as one HTML page'
complete -c git-orch -f -n __git_orch_needs_command -a cost -d 'show estimated and actual cost'
complete -c git-orch -f -n __git_orch_needs_command -a context -d 'show the prompt of a step'
complete -c git-orch -f -n __git_orch_needs_command -a audit -d 'list the tool calls of models on this machine'
complete -c git-orch -f -n __git_orch_needs_command -a trace -d 'show what a recorded run asked its models'
complete -c git-orch -f -n __git_orch_needs_command -a caps -d 'list the commands and languages of this machine'
complete -c git-orch -f -n __git_orch_needs_command -a allow -d 'ask the policy about a command'
complete -c git-orch -f -n __git_orch_needs_command -a setup -d 'make a project\'s dependencies available to steps'
complete -c git-orch -f -n __git_orch_needs_command -a doctor -d 'test the sandbox on this machine'
complete -c git-orch -f -n __git_orch_needs_command -a models -d 'list the models of the provider, with their prices'
complete -c git-orch -f -n __git_orch_needs_command -a tools -d 'list the tools a model may use'
complete -c git-orch -f -n __git_orch_needs_command -a template -d 'list, show, make and check templates of plans'
complete -c git-orch -f -n __git_orch_needs_command -a templates -d 'list them too, and write those of documents'
complete -c git-orch -f -n __git_orch_needs_command -a schema -d 'print the JSON schemas of plan files and output'
complete -c git-orch -f -n __git_orch_needs_command -a config -d 'print the settings in force'
complete -c git-orch -f -n __git_orch_needs_command -a init -d 'have git fetch bring plans along, and install hooks'
complete -c git-orch -f -n __git_orch_needs_command -a mcp -d 'serve agents by the Model Context Protocol'
complete -c git-orch -f -n __git_orch_needs_command -a acp -d 'serve editors by the Agent Client Protocol'
complete -c git-orch -f -n __git_orch_needs_command -a fsck -d 'find and repair damage, leftovers and risky settings'
complete -c git-orch -f -n __git_orch_needs_command -a prune -d 'remove old files and commits that no plan needs'
complete -c git-orch -f -n __git_orch_needs_command -a hook -d 'serve the optional git hooks'
complete -c git-orch -f -n __git_orch_needs_command -a tour -d 'walk through a plan in a scratch repository'
complete -c git-orch -f -n __git_orch_needs_command -a help -d 'print help on a command or a topic'
complete -c git-orch -f -n '__git_orch_at plan' -l from -d 'A plan file (YAML or JSON), or the tasks of another tool; - for standard input.' -x -a '(__fish_complete_path (commandline -ct))'
complete -c git-orch -f -n '__git_orch_at plan' -l part -d 'With --from: the tag, story, phase, epic, label or task to take.' -x
complete -c git-orch -f -n '__git_orch_at plan' -l template -d 'A template of `git orch templates`; with --draft your own NAME.md.' -x -a 'editorconfig go-rest-api python-cli react-app rust-binary'
complete -c git-orch -f -n '__git_orch_at plan' -l var -d 'A variable of the template.' -x
complete -c git-orch -f -n '__git_orch_at plan' -l base -d 'Where the plan starts; HEAD by default.' -x -a '(__git_orch_refs)'
complete -c git-orch -f -n '__git_orch_at plan' -l include-dirty -d 'Start from a snapshot of the uncommitted files.'
complete -c git-orch -f -n '__git_orch_at plan' -l model -d 'The model that plans (orch.model).' -x
complete -c git-orch -f -n '__git_orch_at plan' -l again -d 'Take up the last planning that failed, or the one called NAME.' -x
complete -c git-orch -f -n '__git_orch_at plan' -l revise -d 'Let a model change the steps of PLAN that are not done.' -x -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at plan' -s m -l message -d 'With --revise: what to change. Another -m is another paragraph.' -x
complete -c git-orch -f -n '__git_orch_at plan' -l wait-limits -d 'Wait for limits of the provider that reset, 6h at most or TIME (orch.waitLimits).' -x
complete -c git-orch -f -n '__git_orch_at plan' -l max-usd -l max-cost -d 'Limit for the cost of planning in USD; 0 is no limit (orch.maxUsd).' -x
complete -c git-orch -f -n '__git_orch_at plan' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at plan' -l estimate-only -d 'Print the estimated cost; make no request and store nothing.'
complete -c git-orch -f -n '__git_orch_at plan' -l no-look -d 'Let the model read no further files of the repository.'
complete -c git-orch -f -n '__git_orch_at plan' -l tool -d 'What the model that plans may use, as with exec; it never writes or runs commands.' -x -a 'none read write command all'
complete -c git-orch -f -n '__git_orch_at plan' -l draft -d 'Write down an idea; ask no model.'
complete -c git-orch -f -n '__git_orch_at plan' -l ready -d 'The same, and it is ready for its spec.'
complete -c git-orch -f -n '__git_orch_at plan' -l body -d 'The idea in Markdown; - for standard input, with --draft.' -x
complete -c git-orch -f -n '__git_orch_at plan' -l owner -d 'Whom the plan belongs to; see `git orch owner who`.' -x
complete -c git-orch -f -n '__git_orch_at plan' -l id -d 'Let the ID of the new plan begin so; for programs.' -x
complete -c git-orch -f -n '__git_orch_at plan' -l progress -l no-progress -d 'Print what goes on as plain lines where no terminal shows it; --no-progress is --quiet.'
complete -c git-orch -f -n '__git_orch_at plan' -s q -l quiet -d 'Print no progress; notes, failures and the result stay.'
complete -c git-orch -f -n '__git_orch_at plan' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at plan' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at ready' -l undo -d 'Make a ready plan a draft again.'
complete -c git-orch -f -n '__git_orch_at ready' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at ready' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at ready 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at spec' -l plan -d 'The plan, where TITLE comes first.' -x -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at spec' -l from -d 'Take the steps from a plan file; - for standard input.' -x -a '(__fish_complete_path (commandline -ct))'
complete -c git-orch -f -n '__git_orch_at spec' -l offline -d 'Ask no model: write manual steps to be filled in.'
complete -c git-orch -f -n '__git_orch_at spec' -l model -d 'The model that writes it (orch.model).' -x
complete -c git-orch -f -n '__git_orch_at spec' -l max-usd -l max-cost -d 'Limit for the cost of planning in USD; 0 is no limit (orch.maxUsd).' -x
complete -c git-orch -f -n '__git_orch_at spec' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at spec' -l base -d 'Where the steps start; HEAD by default.' -x -a '(__git_orch_refs)'
complete -c git-orch -f -n '__git_orch_at spec' -l owner -d 'With TITLE alone: whom the new plan belongs to.' -x
complete -c git-orch -f -n '__git_orch_at spec' -l progress -l no-progress -d 'Print what goes on as plain lines where no terminal shows it; --no-progress is --quiet.'
complete -c git-orch -f -n '__git_orch_at spec' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at spec' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at spec 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at orchestrate' -s j -l jobs -d 'Ask for N at a time.' -x
complete -c git-orch -f -n '__git_orch_at orchestrate' -l offline -d 'Ask no model: write manual steps to be filled in.'
complete -c git-orch -f -n '__git_orch_at orchestrate' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at orchestrate' -l progress -l no-progress -d 'Print what goes on as plain lines where no terminal shows it; --no-progress is --quiet.'
complete -c git-orch -f -n '__git_orch_at orchestrate' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at orchestrate' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at scout' -l tick -d 'Tick an item by hand.' -x
complete -c git-orch -f -n '__git_orch_at scout' -l untick -d 'Take its tick away.' -x
complete -c git-orch -f -n '__git_orch_at scout' -l add -d 'Add an item.' -x
complete -c git-orch -f -n '__git_orch_at scout' -l group -d 'With --add: the group of the item.' -x -a 'Development Implementation Testing Validation Documentation'
complete -c git-orch -f -n '__git_orch_at scout' -l remove -d 'Take an item off.' -x
complete -c git-orch -f -n '__git_orch_at scout' -l all -d 'Print a long list whole.'
complete -c git-orch -f -n '__git_orch_at scout' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at scout' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at scout 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at comment' -l close -d 'Close comment N.' -x
complete -c git-orch -f -n '__git_orch_at comment' -l all -d 'List closed comments, too.'
complete -c git-orch -f -n '__git_orch_at comment' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at comment' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at comment 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at comment 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at note' -l decision -d 'It is a decision.'
complete -c git-orch -f -n '__git_orch_at note' -l blocker -d 'It is in the way of the plan.'
complete -c git-orch -f -n '__git_orch_at note' -l progress -d 'It tells how far the work is.'
complete -c git-orch -f -n '__git_orch_at note' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at note' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at note 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at note 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at owner' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at owner' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at owner 1' -a 'who set'
complete -c git-orch -f -n '__git_orch_at docs' -l out -d 'The directory, below the worktree\'s top (ai_docs).' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c git-orch -f -n '__git_orch_at docs' -l keep -d 'Where both changed the same, take it from the file, or from the plan.' -x -a 'file plan'
complete -c git-orch -f -n '__git_orch_at docs' -l import -d 'Make plans of the files of orchestrator-toolkit in DIR.' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c git-orch -f -n '__git_orch_at docs' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at docs' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at docs 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at agent-docs' -l install -d 'Write it to .agents/skills and .claude/skills.'
complete -c git-orch -f -n '__git_orch_at agent-docs' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at agent-docs' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at do' -s n -l dry-run -d 'Print the command; do not run it.'
complete -c git-orch -f -n '__git_orch_at do' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at do' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at otk' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at otk' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at otk 1' -a 'plan plan-new task-new spec spec-new orchestrate orchestrator-once scout exec owner plan-summarize new'
complete -c git-orch -f -n '__git_orch_at check' -l deps -d 'Print only the missing commands, one a line.'
complete -c git-orch -f -n '__git_orch_at check' -l max-usd -l max-cost -d 'Limit for the whole cost of the plan in USD; 0 is no limit (orch.maxUsd).' -x
complete -c git-orch -f -n '__git_orch_at check' -l record -d 'Record that a plan without errors is VALIDATED.'
complete -c git-orch -f -n '__git_orch_at check' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at check' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at check 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at approve' -l max-usd -l max-cost -d 'Limit for the whole cost of the plan in USD; 0 is no limit (orch.maxUsd).' -x
complete -c git-orch -f -n '__git_orch_at approve' -l network -d 'Grant the network to these steps, which ask for it: 2, or all.' -x
complete -c git-orch -f -n '__git_orch_at approve' -l setup -d 'Let orch.setup run for this repository, this plan and later ones.'
complete -c git-orch -f -n '__git_orch_at approve' -l setup-network -d 'Let orch.setup run with the network.'
complete -c git-orch -f -n '__git_orch_at approve' -l agent -d 'Let this agent program do the steps that name none, with the keys of orch.agentKey.' -x
complete -c git-orch -f -n '__git_orch_at approve' -l in-place -d 'Let its steps work in your own checkout.'
complete -c git-orch -f -n '__git_orch_at approve' -l sign -d 'Sign the approval in the log with your own key, for other machines.'
complete -c git-orch -f -n '__git_orch_at approve' -l dry-run -d 'Print what would be approved; approve nothing.'
complete -c git-orch -f -n '__git_orch_at approve' -l digest -d 'Approve only what has this digest, as --dry-run printed it.' -x
complete -c git-orch -f -n '__git_orch_at approve' -l with-comments -d 'Approve although comments are open.'
complete -c git-orch -f -n '__git_orch_at approve' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at approve' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at approve 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at reject' -l why -d 'The reason; the log keeps it.' -x
complete -c git-orch -f -n '__git_orch_at reject' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at reject' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at reject 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at exec' -l estimate-only -d 'Print the estimated cost of the steps; run nothing.'
complete -c git-orch -f -n '__git_orch_at exec' -l dry-run -d 'Print the steps that would run; change nothing.'
complete -c git-orch -f -n '__git_orch_at exec' -l dry-run-step -d 'Print step N alone in the same way.' -x -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at exec' -l debug-step -d 'Print the prompt that the model of step N gets.' -x -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at exec' -l steps -d 'Run only these steps: 2, or 1,3-5.' -x -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at exec' -l skip-steps -d 'Leave out these steps, and those that need them.' -x -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at exec' -l from-step -d 'Run step N and the steps after it.' -x -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at exec' -l force -d 'Run them also where a step that they need is left out.'
complete -c git-orch -f -n '__git_orch_at exec' -s j -l jobs -d 'Run at most N steps at the same time.' -x
complete -c git-orch -f -n '__git_orch_at exec' -s k -l keep-going -d 'After a failure go on with the steps that do not need the failed one.'
complete -c git-orch -f -n '__git_orch_at exec' -l tool -d 'The tools of a model: none, read, write, command, all.' -x -a 'none read write command all'
complete -c git-orch -f -n '__git_orch_at exec' -l agent -d 'The agent program for steps that name none (orch.agent); git-orch for its own.' -x
complete -c git-orch -f -n '__git_orch_at exec' -l model -d 'The model for steps that name none (orch.model).' -x
complete -c git-orch -f -n '__git_orch_at exec' -l retries -d 'Further attempts after a failed one.' -x
complete -c git-orch -f -n '__git_orch_at exec' -l backoff -d 'Seconds before the first further attempt, at most 600; doubles each time.' -x
complete -c git-orch -f -n '__git_orch_at exec' -l retry-model -d 'The model for further attempts (orch.retryModel).' -x
complete -c git-orch -f -n '__git_orch_at exec' -l max-usd -l max-cost -d 'Limit for the whole cost of the plan in USD; 0 is no limit (orch.maxUsd).' -x
complete -c git-orch -f -n '__git_orch_at exec' -l max-step-usd -d 'Limit for the cost of each step in USD; 0 is no limit (orch.maxStepUsd).' -x
complete -c git-orch -f -n '__git_orch_at exec' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at exec' -l strict -d 'Stop after a step that needs a review.'
complete -c git-orch -f -n '__git_orch_at exec' -l rollback -d 'After a failure go back to where the run began.'
complete -c git-orch -f -n '__git_orch_at exec' -l continue -d 'The same as git orch pick --continue.'
complete -c git-orch -f -n '__git_orch_at exec' -l abort -d 'The same as git orch pick --abort.'
complete -c git-orch -f -n '__git_orch_at exec' -l no-cache -d 'Also run checks on trees that have passed them before.'
complete -c git-orch -f -n '__git_orch_at exec' -l in-place -d 'Work in your own checkout, which has the plan branch.'
complete -c git-orch -f -n '__git_orch_at exec' -l no-git -d 'Work in this directory, and record nothing: no undo, no log.'
complete -c git-orch -f -n '__git_orch_at exec' -l from -d 'With --no-git: the plan file; - for standard input.' -x -a '(__fish_complete_path (commandline -ct))'
complete -c git-orch -f -n '__git_orch_at exec' -l approved -d 'Run only a plan that git orch approve has approved.'
complete -c git-orch -f -n '__git_orch_at exec' -l no-tip-checks -d 'Do not run all checks once more at the end.'
complete -c git-orch -f -n '__git_orch_at exec' -l wait-limits -d 'Wait for limits of the provider that reset, 6h at most or TIME (orch.waitLimits).' -x
complete -c git-orch -f -n '__git_orch_at exec' -l trace -l record -d 'Write each request to a model and its reply into a local file (git orch trace).'
complete -c git-orch -f -n '__git_orch_at exec' -l replay -d 'Take the replies from a trace, of the last run by default: no model, no network.' -x
complete -c git-orch -f -n '__git_orch_at exec' -s m -l message -d 'Add this text for the next step\'s model; another -m is another paragraph.' -x
complete -c git-orch -f -n '__git_orch_at exec' -l detach -d 'Run in the background; see git orch wait, stop and status.'
complete -c git-orch -f -n '__git_orch_at exec' -l stream -d 'Print each event of the run as a line of JSON, and the answer of --json as the last.'
complete -c git-orch -f -n '__git_orch_at exec' -l progress -l no-progress -d 'Print what goes on as plain lines where no terminal shows it; --no-progress is --quiet.'
complete -c git-orch -f -n '__git_orch_at exec' -s q -l quiet -d 'Print no progress; notes, failures and the result stay.'
complete -c git-orch -f -n '__git_orch_at exec' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at exec' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at exec 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at fix' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at fix' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at fix 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at fix 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at adopt' -l max-usd -l max-cost -d 'Limit for the whole cost of the plan in USD; 0 is no limit (orch.maxUsd).' -x
complete -c git-orch -f -n '__git_orch_at adopt' -l max-step-usd -d 'Limit for the cost of each step in USD; 0 is no limit (orch.maxStepUsd).' -x
complete -c git-orch -f -n '__git_orch_at adopt' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at adopt' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at adopt' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at adopt 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at adopt 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at done' -l abort -d 'Give up a conflict or a step that you mend; keep your work on it.'
complete -c git-orch -f -n '__git_orch_at done' -l exec -d 'Run the remaining steps too, as git orch exec does.'
complete -c git-orch -f -n '__git_orch_at done' -l max-usd -l max-cost -d 'Limit for the whole cost of the plan in USD; 0 is no limit (orch.maxUsd).' -x
complete -c git-orch -f -n '__git_orch_at done' -l max-step-usd -d 'Limit for the cost of each step in USD; 0 is no limit (orch.maxStepUsd).' -x
complete -c git-orch -f -n '__git_orch_at done' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at done' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at done' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at done 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at done 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at answer' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at answer' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at answer 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at answer 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at wait' -l timeout -d 'Give up after S seconds: the run goes on, exit code 4.' -x
complete -c git-orch -f -n '__git_orch_at wait' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at wait' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at wait 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at stop' -l timeout -d 'Give up waiting for the end after S seconds (60).' -x
complete -c git-orch -f -n '__git_orch_at stop' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at stop' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at stop 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at status' -l since -d 'Print the events after this one, and the steps at work.' -x
complete -c git-orch -f -n '__git_orch_at status' -s f -l follow -d 'Print events and phases until the run ends.'
complete -c git-orch -f -n '__git_orch_at status' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at status' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at status 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at ls' -l owner -d 'List only what belongs to NAME.' -x
complete -c git-orch -f -n '__git_orch_at ls' -l open -d 'List only plans that are neither complete nor rejected.'
complete -c git-orch -f -n '__git_orch_at ls' -l all -d 'List archived plans too.'
complete -c git-orch -f -n '__git_orch_at ls' -l date -d 'List only plans made on a day, or in a month or year: 2025-10-14, 2025-10.' -x
complete -c git-orch -f -n '__git_orch_at ls' -l full -d 'With --json: each plan as `show --json` prints it.'
complete -c git-orch -f -n '__git_orch_at ls' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at ls' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at ls 1' -a 'plans specs'
complete -c git-orch -f -n '__git_orch_at show' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at show' -l yaml -d 'Print the plan as a file that `git orch edit --from` takes.'
complete -c git-orch -f -n '__git_orch_at show' -l tasks -d 'Print the content of each step: commands, files, prompts, checks.'
complete -c git-orch -f -n '__git_orch_at show' -l full -d 'With --tasks: files with all their lines.'
complete -c git-orch -f -n '__git_orch_at show' -l attempts -d 'Print every attempt with the commit that holds its work.'
complete -c git-orch -f -n '__git_orch_at show' -l state -d 'Print the plan\'s state and its possible next states.'
complete -c git-orch -f -n '__git_orch_at show' -l graph -d 'Print which steps wait for which.'
complete -c git-orch -f -n '__git_orch_at show' -l cost -d 'Print the estimated and the actual cost.'
complete -c git-orch -f -n '__git_orch_at show' -l field -d 'Print one field alone, such as status, owner or title.' -x -a 'id plan_id spec_id title objective owner created status spec_status state body approach design criteria requirements'
complete -c git-orch -f -n '__git_orch_at show' -l latest-log -d 'Print the last execution log.'
complete -c git-orch -f -n '__git_orch_at show' -l context -d 'Print the prompt of STEP.'
complete -c git-orch -f -n '__git_orch_at show' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at show 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at show 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at log' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at log' -l oneline -d 'Print one line for each entry.'
complete -c git-orch -f -n '__git_orch_at log' -l all -d 'Print all events, oldest first.'
complete -c git-orch -f -n '__git_orch_at log' -s n -l max-count -d 'Print only the last N.' -x
complete -c git-orch -f -n '__git_orch_at log' -l since -d 'Print only what came after this event.' -x
complete -c git-orch -f -n '__git_orch_at log' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at log 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at diff' -l stat -d 'Print only names and numbers of lines.'
complete -c git-orch -f -n '__git_orch_at diff' -l plan -d 'Show what the last edit changed in the plan\'s text: git orch plan diff.'
complete -c git-orch -f -n '__git_orch_at diff' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at diff' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at diff 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at diff 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at edit' -l from -d 'The new text, as `show --yaml` prints it; - for standard input.' -x -a '(__fish_complete_path (commandline -ct))'
complete -c git-orch -f -n '__git_orch_at edit' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at edit' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at edit 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at rollback' -l to-step -d 'Go back to where step N left the branch.' -x -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at rollback' -l last -d 'Take back the last N steps, or one.' -x
complete -c git-orch -f -n '__git_orch_at rollback' -l undo -d 'Take back the last rollback; git orch undo takes back any change.'
complete -c git-orch -f -n '__git_orch_at rollback' -l keep-user-commits -d 'Pick your own commits onto the steps that stay.'
complete -c git-orch -f -n '__git_orch_at rollback' -l checkout -d 'Also move a branch that is checked out; local changes stay.'
complete -c git-orch -f -n '__git_orch_at rollback' -l dry-run -d 'Print the move; change nothing.'
complete -c git-orch -f -n '__git_orch_at rollback' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at rollback' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at rollback 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at undo' -l again -d 'Go one more change in the same direction, instead of undoing the undo.'
complete -c git-orch -f -n '__git_orch_at undo' -l checkout -d 'Also move the plan\'s branch where it is checked out; local changes stay.'
complete -c git-orch -f -n '__git_orch_at undo' -l dry-run -d 'Print the change that the command would take back; change nothing.'
complete -c git-orch -f -n '__git_orch_at undo' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at undo' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at undo 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at redo' -s m -l message -d 'Add this text for the step\'s model; another -m is another paragraph.' -x
complete -c git-orch -f -n '__git_orch_at redo' -l model -d 'The model, if the step names none (orch.model).' -x
complete -c git-orch -f -n '__git_orch_at redo' -l agent -d 'The agent program for steps that name none (orch.agent); git-orch for its own.' -x
complete -c git-orch -f -n '__git_orch_at redo' -l max-usd -l max-cost -d 'Limit for the whole cost of the plan in USD; 0 is no limit (orch.maxUsd).' -x
complete -c git-orch -f -n '__git_orch_at redo' -l max-step-usd -d 'Limit for the cost of each step in USD; 0 is no limit (orch.maxStepUsd).' -x
complete -c git-orch -f -n '__git_orch_at redo' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at redo' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at redo' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at redo 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at redo 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at drop' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at drop' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at drop 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at drop 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at reorder' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at reorder' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at reorder 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at rebase' -l onto -d 'A branch or a commit; by default the branch that the plan was made on.' -x -a '(__git_orch_refs)'
complete -c git-orch -f -n '__git_orch_at rebase' -l continue -d 'Go on, once the conflict that stopped it is resolved: the same as git orch done.'
complete -c git-orch -f -n '__git_orch_at rebase' -l abort -d 'Give it up where a conflict has stopped it; keep the work on that.'
complete -c git-orch -f -n '__git_orch_at rebase' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at rebase' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at rebase 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at land' -l onto -d 'The branch; by default the one that the plan was made on.' -x -a '(__git_orch_branches)'
complete -c git-orch -f -n '__git_orch_at land' -l merge -d 'Land with a merge commit.'
complete -c git-orch -f -n '__git_orch_at land' -l rebase -d 'Put the step commits on top of the branch, without the cover.'
complete -c git-orch -f -n '__git_orch_at land' -l squash -d 'Make one commit that claims all steps.'
complete -c git-orch -f -n '__git_orch_at land' -l ff-only -d 'Only move the branch forward to the plan\'s tip.'
complete -c git-orch -f -n '__git_orch_at land' -l partial -d 'Land the done steps of an unfinished plan; it stays open.'
complete -c git-orch -f -n '__git_orch_at land' -l unverified -d 'Land a plan that this machine has not verified; the log says so.'
complete -c git-orch -f -n '__git_orch_at land' -l dry-run -d 'Print the steps that would land, or the conflicts; change nothing.'
complete -c git-orch -f -n '__git_orch_at land' -l continue -d 'Go on, once the conflict that stopped it is resolved: the same as git orch done.'
complete -c git-orch -f -n '__git_orch_at land' -l abort -d 'Give it up where a conflict has stopped it; keep the work on that.'
complete -c git-orch -f -n '__git_orch_at land' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at land' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at land 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at pick' -l onto -d 'The branch; by default the one you are on.' -x -a '(__git_orch_branches)'
complete -c git-orch -f -n '__git_orch_at pick' -l force -d 'Pick steps without the steps that they need.'
complete -c git-orch -f -n '__git_orch_at pick' -l dry-run -d 'Print the commits to pick, or the conflicts; change nothing.'
complete -c git-orch -f -n '__git_orch_at pick' -l continue -d 'Go on, once the conflict that stopped it is resolved: the same as git orch done.'
complete -c git-orch -f -n '__git_orch_at pick' -l abort -d 'Give it up where a conflict has stopped it; keep the work on that.'
complete -c git-orch -f -n '__git_orch_at pick' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at pick' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at pick 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at pick 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at archive' -l why -d 'Reject the plan for this reason: exec refuses it until you edit it.' -x
complete -c git-orch -f -n '__git_orch_at archive' -l undo -d 'Bring an archived plan back.'
complete -c git-orch -f -n '__git_orch_at archive' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at archive' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at archive 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at unarchive' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at unarchive' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at unarchive 1' -a '(__git_orch_archived)'
complete -c git-orch -f -n '__git_orch_at verify' -l step -d 'The same as STEP, or several: 1,3-5.' -x -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at verify' -l check -d 'Run only check number N of each step.' -x
complete -c git-orch -f -n '__git_orch_at verify' -l tip -d 'Run all checks of the plan on the tip of its branch.'
complete -c git-orch -f -n '__git_orch_at verify' -l requirement -d 'Run the checks of requirements where the plan\'s work is now: R1,R3 or all.' -x
complete -c git-orch -f -n '__git_orch_at verify' -l no-cache -d 'Also run checks that passed on the same tree before.'
complete -c git-orch -f -n '__git_orch_at verify' -l record -d 'Record which trees passed: an unverified step becomes done.'
complete -c git-orch -f -n '__git_orch_at verify' -l accept -d 'Take the commit that claims step N as that step.' -x
complete -c git-orch -f -n '__git_orch_at verify' -l max-usd -l max-cost -d 'Limit for the whole cost of the plan in USD; 0 is no limit (orch.maxUsd).' -x
complete -c git-orch -f -n '__git_orch_at verify' -l max-step-usd -d 'Limit for the cost of each step in USD; 0 is no limit (orch.maxStepUsd).' -x
complete -c git-orch -f -n '__git_orch_at verify' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at verify' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at verify' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at verify 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at verify 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at state' -l can -d 'Print whether a plan in state FROM can become TO.' -x -a 'DRAFT READY CREATED VALIDATED APPROVED EXECUTING COMPLETE FAILED ROLLED_BACK REJECTED'
complete -c git-orch -f -n '__git_orch_at state' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at state' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at state 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at state 2' -a 'DRAFT READY CREATED VALIDATED APPROVED EXECUTING COMPLETE FAILED ROLLED_BACK REJECTED'
complete -c git-orch -f -n '__git_orch_at graph' -l format -d 'Print text (the default), Mermaid, DOT of Graphviz, or an SVG picture.' -x -a 'text mermaid dot svg'
complete -c git-orch -f -n '__git_orch_at graph' -l dot -d 'Print DOT: --format dot.'
complete -c git-orch -f -n '__git_orch_at graph' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at graph' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at graph 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at report' -s o -l out -d 'Write the page to FILE; - is standard output.' -x -a '(__fish_complete_path (commandline -ct))'
complete -c git-orch -f -n '__git_orch_at report' -l force -d 'Write over a file that is there.'
complete -c git-orch -f -n '__git_orch_at report' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at report' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at report 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at cost' -l by -d 'Sum the cost of all plans, or of the commits in RANGE.' -x -a 'step path author month model'
complete -c git-orch -f -n '__git_orch_at cost' -l model -d 'Estimate for this model instead of the one in force.' -x
complete -c git-orch -f -n '__git_orch_at cost' -l count-tokens -d 'Let the provider count the tokens of the first requests; free.'
complete -c git-orch -f -n '__git_orch_at cost' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at cost' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at cost' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at cost 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at context' -l step -d 'The same as STEP.' -x -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at context' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at context' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at context 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at context 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at audit' -s n -l max-count -d 'Print only the last N calls.' -x
complete -c git-orch -f -n '__git_orch_at audit' -l all -d 'Print calls that were rolled back, too.'
complete -c git-orch -f -n '__git_orch_at audit' -l tool -d 'Print only calls of this tool.' -x
complete -c git-orch -f -n '__git_orch_at audit' -l run -d 'Print only calls of this run.' -x
complete -c git-orch -f -n '__git_orch_at audit' -l failed -d 'Print only calls that did not succeed.'
complete -c git-orch -f -n '__git_orch_at audit' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at audit' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at audit 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at audit 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at trace' -l run -d 'Another run than the last, or a file.' -x
complete -c git-orch -f -n '__git_orch_at trace' -l full -d 'Print the requests and the replies whole.'
complete -c git-orch -f -n '__git_orch_at trace' -l raw -d 'Print the lines of the file; exec --replay reads them anywhere.'
complete -c git-orch -f -n '__git_orch_at trace' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at trace' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at trace 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at trace 2' -a '(__git_orch_steps)'
complete -c git-orch -f -n '__git_orch_at caps' -l check -d 'Look only for this command; the exit code is 1 when it is missing.' -x
complete -c git-orch -f -n '__git_orch_at caps' -l refresh -d 'Look again; ignore the remembered list.'
complete -c git-orch -f -n '__git_orch_at caps' -l path -d 'Print the directory that has the remembered list.'
complete -c git-orch -f -n '__git_orch_at caps' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at caps' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at allow' -l list -d 'Print the programs that may run here.'
complete -c git-orch -f -n '__git_orch_at allow' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at allow' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at setup' -l command -d 'The setup command, instead of the one git-orch finds.' -x
complete -c git-orch -f -n '__git_orch_at setup' -l check -d 'The command that must pass after the setup.' -x
complete -c git-orch -f -n '__git_orch_at setup' -l network -d 'Let the setup command use the network.'
complete -c git-orch -f -n '__git_orch_at setup' -l print -d 'Print the setup command; run nothing.'
complete -c git-orch -f -n '__git_orch_at setup' -s n -l dry-run -d 'Try the setup; store nothing.'
complete -c git-orch -f -n '__git_orch_at setup' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at setup' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at setup 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at doctor' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at doctor' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at models' -l price-unknown -d 'Price of a model that no table has, per million tokens (orch.priceUnknown).' -x
complete -c git-orch -f -n '__git_orch_at models' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at models' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at tools' -l tool -d 'As for exec: none, read, write, command, all.' -x -a 'none read write command all'
complete -c git-orch -f -n '__git_orch_at tools' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at tools' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at template' -l from -d 'With new: the plan that it makes again.' -x -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at template' -l var -d 'With check: the value to try. With new: the word that becomes the variable NAME.' -x
complete -c git-orch -f -n '__git_orch_at template' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at template' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at template 1' -a 'ls show new check'
complete -c git-orch -f -n '__git_orch_at templates' -l init -d 'Write plan.md and spec.md for you to change.'
complete -c git-orch -f -n '__git_orch_at templates' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at templates' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at schema' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at schema' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at schema 1' -a 'plan step template plan-state plan-status plans cost caps answer event'
complete -c git-orch -f -n '__git_orch_at config' -s l -l list -d 'List the settings (the default).'
complete -c git-orch -f -n '__git_orch_at config' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at config' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at init' -l hooks -d 'Install the optional git hooks as well.'
complete -c git-orch -f -n '__git_orch_at init' -l remove -l undo -d 'Take refspecs and hooks out again.'
complete -c git-orch -f -n '__git_orch_at init' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at init' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at mcp' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at mcp' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at acp' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at acp' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at fsck' -l repair -d 'Do the repairs that lose nothing.'
complete -c git-orch -f -n '__git_orch_at fsck' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at fsck' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at fsck 1' -a '(__git_orch_plans)'
complete -c git-orch -f -n '__git_orch_at prune' -l older-than -d 'Remove only what is older; orch.keepDays by default, 0 for everything.' -x
complete -c git-orch -f -n '__git_orch_at prune' -s n -l dry-run -d 'Print what the command would remove; remove nothing.'
complete -c git-orch -f -n '__git_orch_at prune' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at prune' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at hook' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at hook' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at hook 1' -a 'reference-transaction'
complete -c git-orch -f -n '__git_orch_at tour' -l dir -d 'Make the scratch repository in DIR.' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c git-orch -f -n '__git_orch_at tour' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at tour' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at help' -l json -d 'Print JSON.'
complete -c git-orch -f -n '__git_orch_at help' -s h -l help -d 'Print help.'
complete -c git-orch -f -n '__git_orch_at help 1' -a 'plan ready spec orchestrate scout comment note owner docs agent-docs do otk check approve reject exec fix adopt done answer wait stop status ls show log diff edit rollback undo redo drop reorder rebase land pick archive unarchive verify state graph report cost context audit trace caps allow setup doctor models tools template templates schema config init mcp acp fsck prune hook tour help exit-codes'
# -- end

# fish 3 asks for the completion of `git git-orch` where `git orch` is typed.
function __git_orch_in_git
    set -l words (commandline -opc)
    set -l place (contains -i orch $words); or return 1
    test -n "$argv"; or return 0
    set -e words[1..$place]
    complete -C (string join ' ' -- git-orch (string escape -- $words) (commandline -ct | string collect -a))
end
complete -c git -f -n 'test (count (commandline -opc)) = 1' -a orch -d 'turn a task into a plan, and the plan into commits'
complete -c git -f -n __git_orch_in_git -a '(__git_orch_in_git offer)'
