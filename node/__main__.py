"""`python -m node ...`: argv to a command, errors to a sentence and an exit code. installed.py is the same program."""

from __future__ import annotations

import io
import os
import platform
import sys

import node
from node import program, streams
from node.bus import bounds
from node.errors import NodeAway, SnicherError

#: Exit code of a front end whose output can't be written (EX_IOERR of sysexits.h).
OUTPUT_FAILED = 74
#: Longest error sentence, in characters. It may quote an argument of any length, so it is cut.
MAX_SENTENCE = 500
#: The verbs that start a program which stays: it goes on when nobody takes its output.
SERVERS = ("run", "dashboard", "start")
#: What only prints something about this program.
SAYINGS = ("-h", "--help", "--version", "help")


def main() -> int:
    """Run what argv says; returns the exit code."""
    argv = sys.argv[1:]
    closed = sys.stdout is None
    streams.open_what_is_closed()
    # What the terminal's encoding can't show must not end in a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    runs = not argv or argv[0] in SERVERS or (argv[0].startswith("-") and argv[0] not in SAYINGS)
    try:
        if closed and not runs:
            return _failed("Standard output is closed: nothing was done.")
        code = _run(argv)
        sys.stdout.flush()
        return code
    except SnicherError as error:
        from node.loglines import one_line

        sentence = one_line(program.typed(str(error)))
        print(sentence if len(sentence) <= MAX_SENTENCE else sentence[:MAX_SENTENCE] + " ...", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has closed the pipe (`| head`): that is no error.
        _drop_output()
        return 0
    except OSError as error:
        if runs:
            raise
        # Reading errors have been turned into SnicherErrors by now, so this one is about our own output.
        return _failed(f"Nothing more can be printed: {error.strerror or error}.")


def version() -> str:
    """This program, the bus that it speaks with front ends, and the Python that runs it."""
    return f"Snicher {node.__version__} (bus {bounds.VERSION}, Python {platform.python_version()})"


def _failed(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    _drop_output()
    return OUTPUT_FAILED


def _drop_output() -> None:
    """Throw away unwritten output, so that Python doesn't fail on it when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: list[str]) -> int:
    # Imported late, so that a verb of the command line doesn't wait for the node's libraries.
    from node.terminal import console

    if argv and argv[0] in console.VERBS:
        try:
            return console.main(argv)
        except NodeAway as error:
            if argv[0] != "doctor":
                raise
            from node.terminal import absent

            return absent.told(argv, os.environ, error)
    if argv[:1] == ["config"]:
        from node.terminal import config_table

        return config_table.main(argv[1:], os.environ)
    if argv[:1] == ["identity"]:
        from node.terminal import identity

        return identity.main(argv[1:], os.environ)
    if argv[:1] in (["backup"], ["restore"]):
        from node.terminal import backup

        return (backup.main if argv[0] == "backup" else backup.restore)(argv[1:], os.environ)
    if argv[:1] == ["menu"]:
        from node.terminal import menu

        return menu.main(argv[1:])
    if argv[:1] == ["dashboard"]:
        from dashboard import app as web

        return web.main(argv[1:])
    if argv[:1] == ["start"]:
        from node import together

        return together.main(argv[1:], os.environ)
    if argv and argv[0] in SAYINGS:
        from node.terminal import arguments, screen

        print(version() if argv[0] == "--version" else arguments.usage(screen.width()))
        return 0
    from node import app, config

    if argv and argv[0] != "run" and not argv[0].startswith("-"):
        listed = program.typed("python -m node --help")
        print(f"There is no verb {argv[0][:MAX_SENTENCE]!r}; {listed} lists them.", file=sys.stderr)
        return 2
    streams.never_block()
    return app.run(config.load(argv[1:] if argv[:1] == ["run"] else argv, os.environ))


if __name__ == "__main__":
    sys.exit(main())
