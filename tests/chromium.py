"""Finds Debian's Chromium for the browser tests, and installs it where this user may.

`python -m tests.chromium` runs before the tests. Playwright's own browser builds are not used: they come from
outside any package index. The Chromium that has no windows draws the same pages for a third of the work; what
it lacks is the way a whole one asks for a camera and remembers which.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

WHOLE = ("chromium", "chromium-browser", "google-chrome")
LEAN = "chromium-headless-shell"
FONTS = "fonts-lohit-deva"  # draws the Hindi pages
INSTALL_WITHIN_S = 600


def find() -> str | None:
    """The path of the Chromium on this machine that works least."""
    return shutil.which(LEAN) or find_whole()


def find_whole() -> str | None:
    """The path of one with everything that a person has."""
    return next((path for name in WHOLE if (path := shutil.which(name))), None)


def why_not() -> str | None:
    """Why it cannot be installed here; None if it can."""
    if shutil.which("apt-get") is None:
        return "this is no Debian or Ubuntu (there is no apt-get)"
    if os.geteuid() != 0:
        return f"only root may install it: sudo apt-get install {WHOLE[0]} {LEAN} {FONTS}"
    return None


def install() -> bool:
    """Install both by apt; answers whether a whole one is there now, which is enough."""
    _apt("update")
    for packages in ((WHOLE[0], FONTS), (LEAN,)):
        _apt("install", "--yes", "--no-install-recommends", *packages)
    return find_whole() is not None


def _apt(*arguments: str) -> None:
    done = subprocess.run(
        ("apt-get", "-qq", *arguments),
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        timeout=INSTALL_WITHIN_S,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"apt-get {' '.join(arguments)} failed:\n{done.stderr[-2000:]}", file=sys.stderr)


def main() -> int:
    """Make sure of a browser, or say what is missing; only CI takes its absence for a failure."""
    if shutil.which(LEAN) and find_whole():
        return 0
    if (reason := why_not()) is None:
        print("Installing Chromium for the browser tests …", file=sys.stderr)
        if install():
            return 0
        reason = "apt-get could not install it"
    if find_whole():
        return 0
    print(f"The browser tests will be skipped, as there is no Chromium: {reason}.", file=sys.stderr)
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
