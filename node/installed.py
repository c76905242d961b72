"""The installed program `snicher`: the same as `python -m node`, and it names its commands as people type them here.

Law of this file: it starts node/__main__.py, and adds nothing to it.
"""

from __future__ import annotations

import sys

from node import program


def main() -> int:
    """Run what argv says; returns the exit code."""
    program.be_installed()
    # Imported now, because some texts are read when a module is imported.
    from node import __main__ as started

    return started.main()


if __name__ == "__main__":
    sys.exit(main())
