"""Finds Debian's Chromium for the browser tests, and installs it where this user may.

`python -m tests.chromium` runs before the tests. Playwright's own browser builds are not used: they come from
outside any package index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-lohit-deva")  # the second draws the Hindi pages
INSTALL_WITHIN_S = 600


def find() -> str | None:
    """The path of a Chromium on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def why_not() -> str | None:
    """Why it cannot be installed here; None if it can."""
    if shutil.which("apt-get") is None:
        return "this is no Debian or Ubuntu (there is no apt-get)"
    if os.geteuid() != 0:
        return "only root may install it: sudo apt-get install " + " ".join(PACKAGES)
    return None


def install() -> bool:
    """Install it by apt; answers whether it is there now."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ("apt-get", "update", "-qq"),
        ("apt-get", "install", "-qq", "--yes", "--no-install-recommends", *PACKAGES),
    ):
        done = subprocess.run(
            command, env=environment, timeout=INSTALL_WITHIN_S, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
            return False
    return find() is not None


def main() -> int:
    """Make sure of a browser, or say what is missing; only CI takes its absence for a failure."""
    if find():
        return 0
    if (reason := why_not()) is None:
        print("Installing Chromium for the browser tests …", file=sys.stderr)
        if install():
            return 0
        reason = "apt-get could not install it"
    print(f"The browser tests will be skipped, as there is no Chromium: {reason}.", file=sys.stderr)
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
