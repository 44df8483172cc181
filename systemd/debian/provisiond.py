#!/usr/lib/provisiond/bin/python3 -I
"""The command, in its own virtual environment whatever the caller's environment says."""

import sys

from provisiond.cli.main import main

if any(
    word.startswith("--plot") for word in sys.argv
):  # matplotlib is large: it may be Debian's python3-matplotlib
    sys.path.append("/usr/lib/python3/dist-packages")

if __name__ == "__main__":  # the portal's processes import this file and must not be the command again
    main()
