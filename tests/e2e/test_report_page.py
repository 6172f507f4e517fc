"""`git orch report`: one page about a plan, in a file or on standard output."""

from __future__ import annotations

from pathlib import Path

from conftest import Here, data, writing

HOSTILE = "</pre><script>alert(1)</script>"


def test_a_page_has_what_the_plan_did_and_is_written_over_no_file(here: Here) -> None:
    document = writing("a.txt", "b.txt")
    document["steps"][0]["files"] = {"a.txt": f"{HOSTILE}\n"}
    document["steps"][1]["checks"] = [{"command": f"echo '{HOSTILE}'; seq 7; exit 3"}]
    plan = here.plan(document)
    here("exec", plan, expect=1)
    page = Path("page.html")

    assert here("report", plan, "-o", "page.html").out.startswith("wrote 'page.html': ")

    whole = page.read_text()
    assert "<script" not in whole
    escaped = "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;"
    assert f">+{escaped}\n<" in whole  # the diff
    assert f"{escaped}\n1\n2\n3\n4\n5\n6\n7</pre>" in whole  # the output
    assert here("report", plan, "-o", "-").out == whole
    assert here("report", plan).out == whole
    assert data(here("report", plan, "--json").out) == {"html": whole}

    page.write_text("mine")
    refused = here("report", plan, "-o", "page.html", expect=3)
    assert refused.err == (
        "error: 'page.html' is there already\nhint: git orch report -o page-2.html\n"
    )
    assert page.read_text() == "mine"
    told = data(here("report", plan, "-o", "page.html", "--force", "--json").out)
    assert told == {"plan": plan, "file": "page.html", "bytes": len(whole.encode())}
    assert page.read_text() == whole
    here("report", plan, "-o", "-", "--force", expect=2)


def test_a_plan_that_landed_and_was_put_away_has_a_page(here: Here) -> None:
    plan = here.plan(writing("a.txt"))
    here("exec", plan)
    here("land", plan)
    whole = here("report", plan).out
    assert "+a.txt" in whole
    assert "Landed" in whole
