"""Everything that can go wrong, as one hierarchy; each docstring is written for the person who will read the error.

SnicherError
|-- ConfigError              the node was told something it can't use (exit code 78)
|   `-- HomeRefused          the home or a file in it isn't ours alone; a NodeAway as well
|-- HomeInUse                another node runs on this home (exit code 75)
|-- ListenError              the listening port can't be had (exit code 69)
|-- StoreError
|   |-- StoreTooNew          the database was written by a newer Snicher (exit code 70)
|   |-- StoreCorrupt         the database or the identity can't be read (exit code 70)
|   |-- StoreUnavailable     a write failed: the disk is full or broken; reading goes on
|   |   `-- StoreDisplaced   the open database is not the file at its path any more
|   `-- IndexBroken          the search index can't be used; it is rebuilt, and nothing else is affected
|-- KeptFileError            an exported identity or a backup can't be read or written (exit code 74)
|   |-- FileUnfit            there is no such file, or it is of another kind (exit code 66)
|   |-- FileDamaged          its sums or its content say that it isn't what was written (exit code 65)
|   `-- FileTooNew           a newer Snicher wrote it (exit code 76)
|-- PassphraseRefused        a passphrase is missing, too short, or can't be read (exit code 2)
|-- WrongPassphrase          the file is whole, and the passphrase isn't its own (exit code 77)
|-- PlaceTaken               something is already where something new should go (exit code 73)
|-- LocalFault               our own code broke the protocol: a bug, never the peer's fault
|-- InvalidEntry             a signed entry doesn't verify; it is refused and counted
|-- InvalidFrame             a frame of an encrypted link isn't what PROTOCOL.md says; the link ends
|-- HandshakeFailed          the other side of an encrypted link broke TLS, or shows no key of a node; the link ends
`-- BusError
    |-- CommandRefused       the node answered a command with an error (has a stable code)
    |-- NodeAway             no node answers on this home
    `-- BusProtocolError     the other side of the bus speaks something else than BUS.md
"""

from __future__ import annotations

from typing import Any


class SnicherError(Exception):
    """Base of all errors that Snicher raises on purpose. Anything else that surfaces is a bug."""

    #: What the process exits with when this error ends it (sysexits.h).
    exit_code = 1


class ConfigError(SnicherError):
    """A flag, an environment variable or a line of config.toml can't be used. The text names it and says what to do."""

    exit_code = 78


class HomeInUse(SnicherError):
    """Another node already runs on this home. Stop it (`python -m node stop`), or give this one another --home."""

    exit_code = 75


class ListenError(SnicherError):
    """The node can't listen on this address: another program has it, it isn't this machine's, or it isn't allowed."""

    exit_code = 69


class StoreError(SnicherError):
    """Something is wrong with what is on disk."""

    exit_code = 70


class StoreTooNew(StoreError):
    """The database was written by a newer Snicher. Nothing was changed; start the newer program instead."""


class StoreCorrupt(StoreError):
    """A file of the home can't be read as what it should be. Nothing was changed; the text names the file."""


class StoreUnavailable(StoreError):
    """A write failed (disk full, read-only, I/O error). Nothing acknowledged is lost; the node retries by itself."""


class StoreDisplaced(StoreUnavailable):
    """The database was removed, moved or replaced while the node runs. Nothing is acknowledged until it is back."""


class IndexBroken(StoreError):
    """The search index is damaged. No message is: the node rebuilds the index from them, in the background."""


class KeptFileError(SnicherError):
    """An exported identity or a backup can't be read or written: the disk refuses. What was there before stays."""

    exit_code = 74


class FileUnfit(KeptFileError):
    """There is no such file or home, or it isn't of the kind that is wanted. Nothing was changed."""

    exit_code = 66


class FileDamaged(KeptFileError):
    """A file isn't what was written once. Nothing of it was used; fetch it again, or take another copy."""

    exit_code = 65


class FileTooNew(KeptFileError):
    """A newer Snicher wrote this file. Nothing of it was used; use the newer program."""

    exit_code = 76


class PassphraseRefused(SnicherError):
    """A passphrase is missing, too short to protect anything, or can't be read. Nothing was done."""

    exit_code = 2


class WrongPassphrase(SnicherError):
    """The file is whole, and this passphrase doesn't open it. Nothing was changed."""

    exit_code = 77


class PlaceTaken(SnicherError):
    """Something is already where something new should go. It stays as it is; the text says what to do."""

    exit_code = 73


class LocalFault(SnicherError):
    """This program used a link in a way that its state doesn't allow. A bug in Snicher."""


class InvalidEntry(SnicherError):
    """A signed entry breaks its chain, its signature or its clock. It is refused whole."""


class InvalidFrame(SnicherError):
    """A frame of an encrypted link isn't what PROTOCOL.md says. The link ends."""


class HandshakeFailed(SnicherError):
    """The other side of an encrypted link broke TLS, or what it shows isn't the key of a node. The link ends."""


class BusError(SnicherError):
    """Something went wrong between a front end and its node."""

    exit_code = 69


class CommandRefused(BusError):
    """The node refused a command. `code` is stable and documented in BUS.md; `message` is for people."""

    exit_code = 1

    def __init__(self, code: str, message: str, retryable: bool = False, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.details: dict[str, Any] = details or {}


class NodeAway(BusError):
    """No node answers on this home. Start one with `python -m node`, or check --home / SNICHER_HOME."""


class HomeRefused(ConfigError, NodeAway):
    """The home, or a file in it, belongs to somebody else, or others can change it. Nothing in it was used.

    It is a NodeAway, too: for a front end that waits for its node, this is one more reason why there is none.
    """


class BusProtocolError(BusError):
    """Bytes on the bus are not what BUS.md says, or the versions have nothing in common."""
