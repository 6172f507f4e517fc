"""What sentences mean: a golden table, and what holds for any text (S2-013 to S2-015, S2-083 to
S2-085, S2-089 to S2-101, S2-149).
"""

from __future__ import annotations

import itertools
import re
import shlex

import places
import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_orch.cli import table
from git_orch.plans.phrases import old_words
from git_orch.plans.phrases.forms import FORMS
from git_orch.plans.phrases.sentence import Understood, Unknown, shown, understand

_LINES = (places.TOP / "tests/data/sentences.tsv").read_text().splitlines()
GOLDEN = [tuple(line.split("\t")) for line in _LINES if not line.startswith("#")]
WORD_PLAN = re.compile(r"(?<!\w)(?:plan|idea)(?!\w)", re.IGNORECASE)


def command(sentence: str) -> str:
    """The command that a sentence means; "" for none."""
    meaning = understand(sentence)
    return shown(meaning.argv).removeprefix("git orch ") if isinstance(meaning, Understood) else ""


@pytest.mark.parametrize(("sentence", "meant"), GOLDEN)
def test_a_sentence_means_its_command(sentence: str, meant: str) -> None:
    assert command(sentence) == meant


def test_the_table_has_at_least_two_hundred_sentences() -> None:
    assert len({sentence for sentence, _ in GOLDEN}) >= 200


@pytest.mark.parametrize(
    "sentence",
    [
        "", "   ", "plan", "plan it", "plan ''", "plan '  '", "plan 'x", "plans 'x'",
        "add search", "implement auth", "something vague", "todo", "'OAuth 2.1'", "0NG7",
        "please create a new task for login system", "add feature for user profiles",
        "create a task 'x'", "do not plan 'x'", "never execute PLAN-1", "don't execute it",
        "should I execute PLAN-1?", "execute PLAN-1 and land it", "execute PLAN-1 but not step 3",
        "execute SPEC-456 implement auth", "execute spec-123; rm -rf /", 'plan "x"; rm -rf /',
        "run the tests", "execute the login system", "delete everything", "execute --force",
        "plan to execute spec-123", "plan 'x' and execute it", "plan add search and execute it",
        "plan 'x' and 'y'", "plan Add 'foo' support", "plan 'x' --ready --draft", "plan 'x' --offline",
        "make a ready plan 'x' and mark it as draft", "plan 'x' @alice @bob", "plan 'x' owner:",
        "land it @alice", "note 'a' and 'b'", "the 'plan'", "note '-x'", "execute PLAN-1 --rollback",
        "rollback steps 2-3",
    ],
)  # fmt: skip
def test_a_sentence_that_is_not_sure_means_no_command(sentence: str) -> None:
    meaning = understand(sentence)
    assert isinstance(meaning, Unknown)
    assert 1 <= len(meaning.suggestions) <= 3
    assert all(way.startswith("git orch ") for way in meaning.suggestions)


@pytest.mark.parametrize("sentence", ["add search", "create auth", "'OAuth 2.1' please"])
def test_a_short_text_without_a_command_is_suggested_as_a_plan(sentence: str) -> None:
    meaning = understand(sentence)
    assert isinstance(meaning, Unknown)
    assert shown(("plan", sentence, "--draft")) in meaning.suggestions


def test_a_mistyped_word_leads_to_its_command() -> None:
    meaning = understand("exeucte everything")
    assert isinstance(meaning, Unknown)
    assert "git orch exec PLAN" in meaning.suggestions


@pytest.mark.parametrize(
    ("sentence", "argv", "is_sure"),
    [
        ("spec 'DB schema' for it", ("spec", "PLAN", "DB schema"), True),
        ("design the login system", ("spec", "PLAN", "login system"), False),
        ("specify error handling", ("spec", "PLAN", "error handling"), False),
        ("blueprint the payment flow", ("spec", "PLAN", "payment flow"), False),
        ("assign it to Bob", ("owner", "set", "Bob", "PLAN"), True),
    ],
)
def test_a_plan_that_a_command_needs_is_left_open(
    sentence: str, argv: tuple[str, ...], *, is_sure: bool
) -> None:
    meaning = understand(sentence)
    assert meaning == Understood(argv, argv.index("PLAN"), is_sure)


@pytest.mark.parametrize("typed", [command for command, _ in FORMS])
def test_a_form_names_a_command_and_options_that_are_there(typed: str) -> None:
    name, *words = typed.split()
    known = {option for param in table.load(name).params for option in param.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_form_is_read() -> None:
    """A sentence of the first words of a form means something."""
    fillers = {
        "PLAN": "PLAN-1", "N": "2", "TEXT": "some words", "QUOTED": "'a title'", "WORD": "main",
        "ID": "PLAN-1", "TEXT-OF-PLAN": "some words for PLAN-1",
    }  # fmt: skip
    for _, forms in FORMS:
        for form in forms:
            parts = [part.split("|")[0] for part in form.split() if not part.endswith("?")]
            sentence = " ".join(fillers.get(part, part) for part in parts)
            assert isinstance(understand(sentence), Understood), sentence


TEXTS = st.text(max_size=80)
_PARTS = (
    "plan", "idea", "ready", "spec", "it", "the", "and", "mark", "as", "execute", "'x'", '"', "'",
    "PLAN-1", "0NG7", "step", "3", "for", "of", "to", "@bob", "owner:", "--owner", "--ready", "--draft",
    "not", "don't", "scout", "land", "note", "draft", "create", "new", ",", ".", ":", "\u201c", "\u201d",
)  # fmt: skip
SENTENCES = st.lists(st.sampled_from(_PARTS), max_size=12).map(" ".join)


@given(TEXTS | SENTENCES)
def test_any_text_means_a_command_or_none(sentence: str) -> None:
    meaning = understand(sentence)
    if isinstance(meaning, Understood):
        assert meaning.argv
        assert shlex.split(shown(meaning.argv)) == ["git", "orch", *meaning.argv]
    else:
        assert 1 <= len(meaning.suggestions) <= 3


@given(TEXTS | SENTENCES)
def test_no_plan_is_made_without_the_word(sentence: str) -> None:
    meaning = understand(sentence)
    if isinstance(meaning, Understood) and meaning.argv[0] == "plan":
        assert WORD_PLAN.search(sentence)
    if isinstance(meaning, Understood) and meaning.argv[0] == "spec":
        assert "--owner" not in meaning.argv[1:2]
        assert len(meaning.argv) == 1 or meaning.argv[1] == "PLAN" or "plan" not in meaning.argv


@given(st.text(st.characters(exclude_characters='"'), min_size=1).filter(str.strip))
def test_a_title_in_quotes_comes_out_as_it_is(title: str) -> None:
    meaning = understand(f'plan "{title}" and mark it ready')
    assert isinstance(meaning, Understood)
    assert title in meaning.argv
    assert "--ready" in meaning.argv


@given(st.text(st.characters(exclude_characters='"'), min_size=1).filter(str.strip))
def test_an_owner_in_quotes_comes_out_as_it_is(name: str) -> None:
    meaning = understand(f'plan "x" owner:"{name}"')
    assert isinstance(meaning, Understood)
    assert meaning.argv[-1] in (name, f"--owner={name}")


@pytest.mark.parametrize(
    "part",
    ["a", " ", "plan ", "'", '"', "'a ", "a' ", '"a" \'b\' ', "@", "owner: ", "1, ", "steps 1 and ", "plan-1",
     "plan-", ".", "the ", "please ", "it ", "spec for it ", '("', "\0", "é", "日本", "plan 'x' and ", "{[("],
)  # fmt: skip
@pytest.mark.parametrize("beginning", ["", 'plan "'])
def test_a_long_text_that_is_meant_to_take_long_is_read(beginning: str, part: str) -> None:
    """In linear time: where it took quadratic time, this test would not end."""
    assert isinstance(understand(beginning + part * (2**18 // len(part))), Understood | Unknown)


PLANS = {
    "0NG7": "Add user authentication",
    "1ABC": "Rate limits",
    "2DEF": "Rate the show",
    "3GHJ": "Ready",
}


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        ("mark Rate limits as ready", "ready 1ABC"),
        ("who owns the auth plan", "show 0NG7"),
        ("scout authentication", "scout 0NG7"),
        ("set the owner of rate limits to bob", "owner set bob 1ABC"),
        ("write a spec for user-authentication", "spec 0NG7"),
        ("show step 2 of the limits plan", "show 1ABC 2"),
        ("show rate the show", "show 2DEF"),
        ("archive rate", ""),  # two plans
        ("archive aut", ""),  # too short for a beginning
        ("archive 'limits'", "archive limits"),
        ("plan limits", ""),  # no plan is made
        ("archive the show", ""),  # a word of the forms
    ],
)
def test_a_sentence_names_a_plan_by_words_of_its_title(sentence: str, meant: str) -> None:
    meaning = understand(sentence, PLANS)
    assert (shown(meaning.argv)[9:] if isinstance(meaning, Understood) else "") == meant


@given(TEXTS | SENTENCES, st.dictionaries(st.sampled_from(["0NG7", "1ABC"]), TEXTS | SENTENCES))
def test_no_title_makes_a_sentence_a_plan(sentence: str, titles: dict[str, str]) -> None:
    meaning = understand(sentence, titles)
    assert isinstance(meaning, Unknown) or meaning.argv[0] != "plan"


OLD = [
    ("plan 'Add auth' --ready", "plan 'Add auth' --ready"),
    ("plan 'Add auth'", "plan 'Add auth' --draft"),
    ("plan Add auth --owner Ada", "plan 'Add auth' --draft --owner=Ada"),
    ("plan -- -x", "plan --draft -- -x"),
    ("spec 'DB schema' --plan PLAN-1", "spec PLAN-1 'DB schema'"),
    ("spec --plan=PLAN-1", "spec PLAN-1"),
    ("spec 'DB schema'", "spec 'DB schema'"),
    ("spec-new PLAN-1 'DB schema'", "spec PLAN-1 'DB schema'"),
    ("otk-spec-new 'spec for PLAN-1'", "spec PLAN-1"),
    ("orchestrate", "orchestrate"),
    ("orchestrator-once", "orchestrate"),
    ("scout SPEC-1", "scout SPEC-1"),
    ("exec SPEC-1", "exec SPEC-1"),
    ("otk-exec SPEC-1", "exec SPEC-1"),
    ("owner who", "owner who"),
    ("owner set 'Backend Team'", "owner set 'Backend Team'"),
    ("new 'plan \"Add auth\" and mark it ready'", "plan 'Add auth' --ready"),
    ("otk-new \"plan 'Add auth' and mark ready\"", "plan 'Add auth' --ready"),
    ("\"plan 'Add auth' and mark ready\"", "plan 'Add auth' --ready"),
    ("'scout the spec'", "scout"),
    ("generate specs", "orchestrate"),
    ("task-new Feature --owner Dev", "plan Feature --ready --owner=Dev"),
    ("otk-task-new Feature", "plan Feature --ready"),
    ("task new Feature", "plan Feature --ready"),
    ("plan-new X --task T-0001", "plan X --draft '--body=Task: T-0001'"),
    ("otk-plan-new X", "plan X --draft"),
    ("plan-summarize P-0001", "show -- P-0001"),
    ("plan-summarize 'x\"; touch pwned; echo \"'", "show -- 'x\"; touch pwned; echo \"'"),
    ("ready PLAN-1", "ready PLAN-1"),
    ("ls --open", "ls --open"),
]


@pytest.mark.parametrize(("typed", "meant"), OLD)
def test_an_old_command_means_a_command(typed: str, meant: str) -> None:
    """S2-157, S2-158, S2-162 and S2-166."""
    meaning = old_words.translate(shlex.split(typed), table.COMMANDS)
    assert isinstance(meaning, Understood)
    assert meaning.argv == tuple(shlex.split(meant))


@pytest.mark.parametrize(
    "typed",
    ["plan", "plan ''", "plan x --nonesuch", "plan x --owner", "spec", "plan-summarize", "nonesuch",
     "'add search'", "new", "task-new"],
)  # fmt: skip
def test_an_old_command_that_says_too_little_means_none(typed: str) -> None:
    assert isinstance(old_words.translate(shlex.split(typed), table.COMMANDS), Unknown)


def test_words_of_a_shell_keep_their_quotes() -> None:
    words = shlex.split("plan 'Add auth and mark it ready' --owner 'Backend Team'")
    assert command(old_words.words_of(words)) == (
        "plan 'Add auth and mark it ready' --draft --owner 'Backend Team'"
    )


def test_no_form_stands_twice() -> None:
    forms = list(itertools.chain.from_iterable(forms for _, forms in FORMS))
    assert len(forms) == len({*forms})


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("write the spec", "--offline"), "spec --offline"),
        (("plan 'x'", "--ready"), "plan x --ready"),
        (("plan", "add search"), "plan 'add search' --draft"),
        (("scout", "the spec"), "scout the-spec"),  # a title
    ],
)
def test_options_may_stand_behind_a_sentence_in_quotes(
    arguments: tuple[str, ...], meant: str
) -> None:
    assert command(old_words.words_of(arguments)) == meant
