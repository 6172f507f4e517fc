"""Looks at the page of `git orch report` in headless Chromium: `make test-report`.

At the width of a phone and of a desk, light and dark: nothing is wider than the window, every link
and summary takes the focus, and shows it. It leaves pictures to look at.
"""

from __future__ import annotations

import html
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from git_orch.cli import tour
from git_orch.flow.machine import scratch

_WIDTHS = (360, 1280)
_MOST = 120  # seconds of a browser
_FRAMES = """<!doctype html><title>-</title><body><script>
const said = [];
function look(frame, width) {
  const page = frame.contentDocument, root = page.documentElement, bad = [];
  if (root.scrollWidth > root.clientWidth) bad.push(`${root.scrollWidth} pixels wide`);
  const all = [...page.querySelectorAll('a[href], summary, [tabindex="0"]')];
  for (const one of all) {
    one.focus({focusVisible: true});
    if (page.activeElement !== one) bad.push('no focus: ' + one.textContent);
    const style = getComputedStyle(one), box = one.querySelector('rect');
    const drawn = box ? getComputedStyle(box).strokeWidth === '4px' : false;
    if (style.outlineStyle === 'none' && !drawn) bad.push('unseen focus: ' + one.textContent);
  }
  said.push(`${width}: ${all.length} places; ` + (bad.join('; ') || 'well'));
}
for (const width of [WIDTHS]) {
  const frame = document.createElement('iframe');
  frame.width = width; frame.height = 900; frame.src = 'report.html';
  frame.onload = () => {
    look(frame, width);
    if (said.length === COUNT) document.body.innerHTML = '<pre id=said>' + said.join('\\n') + '</pre>';
  };
  document.body.append(frame);
}
</script></body>
"""


def main() -> int:
    """Write the page of the plan of the tour, and look at it; the exit status is 0 when all is well."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.stderr.write("chromium is not on PATH: sudo apt-get install chromium\n")
        return 1
    place = Path(tempfile.mkdtemp(prefix="git-orch-report-"))
    made = scratch.made(str(place / "run"))
    (made.repository / "plan.yaml").write_text(tour._PLAN)
    for stop in tour.STOPS[:6]:
        done = made.capture(stop.line)
        if done.status != stop.exit_code:
            sys.stderr.write(done.stderr.decode())
            return 1
    made.capture(f"git orch report -o {place}/report.html")
    widths = ", ".join(map(str, _WIDTHS))
    frames = _FRAMES.replace("WIDTHS", widths).replace("COUNT", str(len(_WIDTHS)))
    (place / "frames.html").write_text(frames)
    well = True
    for tone, width in itertools.product((1, 0), _WIDTHS):  # light, dark
        name = f"{width}-{'light' if tone else 'dark'}.png"
        _browse(browser, tone, f"--screenshot={place}/{name}", f"--window-size={max(width, 500)},1400",
                f"file://{place}/report.html")  # fmt: skip
        if width == _WIDTHS[0]:
            dom = _browse(browser, tone, "--allow-file-access-from-files", "--dump-dom",
                          "--virtual-time-budget=10000", f"file://{place}/frames.html")  # fmt: skip
            found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.DOTALL)
            said = html.unescape(found[1]) if found is not None else "the browser said nothing"
            sys.stdout.write(f"{'light' if tone else 'dark'}\n{said}\n")
            well = well and said.count("; well") == len(_WIDTHS)
    sys.stdout.write(f"pictures: {place}\n")
    return 0 if well else 1


def _browse(browser: str, tone: int, *words: str) -> str:
    argv = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--blink-settings=preferredColorScheme={tone}", *words]  # fmt: skip
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=_MOST).stdout


if __name__ == "__main__":
    sys.exit(main())
