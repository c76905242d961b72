"""JSON that no honest program writes: what each reader of outside text must turn into its own documented error."""

from __future__ import annotations

#: Values by what is wrong with them. Each may stand in the place of a whole text, or of any value in it.
VALUES = {
    "open brackets": "[" * 100_000,
    "nested lists": "[" * 5_000 + "]" * 5_000,
    "open braces": '{"a":' * 100_000,
    "nested objects": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "5,000 digits": "9" * 5_000,
    "no number": "NaN",
    "endless": "-Infinity",
    "beyond a float": "1e400",
    "half a pair": '"\\ud800"',
    "half a pair, as it is": '"\ud800"',
    "a NUL": "\x00",
    "nothing": "",
}
