"""`python -m node ...`: argv to a command, errors to a sentence and an exit code."""

from __future__ import annotations

import os
import sys

from node.errors import SnicherError


def main() -> int:
    """Run what argv says; returns the exit code."""
    argv = sys.argv[1:]
    try:
        # Imported late, so that a verb of the command line doesn't wait for the node's libraries.
        from node import console

        if argv and argv[0] in console.VERBS:
            return console.main(argv)
        if argv and argv[0] in ("-h", "--help", "help"):
            print(console.USAGE)
            return 0
        from node import app, config

        return app.run(config.load(argv[1:] if argv[:1] == ["run"] else argv, os.environ))
    except SnicherError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
