"""`python -m node ...`: argv to a command, errors to a sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys

from node.errors import SnicherError


def main() -> int:
    """Run what argv says; returns the exit code."""
    # What the terminal's encoding can't show must not end in a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = _run(sys.argv[1:])
        sys.stdout.flush()
        return code
    except SnicherError as error:
        from node.loglines import one_line

        print(one_line(str(error)), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has enough; what is left of it must not bother anybody when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(argv: list[str]) -> int:
    # Imported late, so that a verb of the command line doesn't wait for the node's libraries.
    from node import console

    if argv and argv[0] in console.VERBS:
        return console.main(argv)
    if argv[:1] == ["config"]:
        from node import configured

        return configured.main(argv[1:], os.environ)
    if argv[:1] == ["menu"]:
        from node import menu

        return menu.main(argv[1:])
    if argv and argv[0] in ("-h", "--help", "help"):
        print(console.USAGE)
        return 0
    from node import app, config

    if argv and argv[0] != "run" and not argv[0].startswith("-"):
        print(f"There is no verb {argv[0]!r}; python -m node --help lists them.", file=sys.stderr)
        return 2
    return app.run(config.load(argv[1:] if argv[:1] == ["run"] else argv, os.environ))


if __name__ == "__main__":
    sys.exit(main())
