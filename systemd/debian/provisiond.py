#!/usr/lib/provisiond/bin/python3 -I
"""The command, in its own virtual environment whatever the caller's environment says."""

from provisiond.cli.main import main

main()
