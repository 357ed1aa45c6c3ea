#!/usr/bin/env python
"""Entry point of the management commands."""

from __future__ import annotations

import os
import sys

from config.env import choose_settings


def main() -> None:
    """Run the command named on the command line."""
    choose_settings()
    if sys.argv[1:2] == ["demo"]:
        # Before the settings load: the demo makes its own secret key and serves loopback only.
        os.environ.setdefault("PARLEY_DEMO", "1")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A variable to correct, not a defect: the sentence is worth more than a traceback.
        sys.exit(f"Parley did not start. {error}")


if __name__ == "__main__":
    main()
