"""What holds for all JavaScript of the components, read from its source."""

from __future__ import annotations

import pathlib
import re

import pytest

COMPONENTS = pathlib.Path(__file__).parents[2] / "dashboard" / "components"
#: The one module that attaches handlers of keys and of forms: it leaves out what an input method is told.
KEYBOARD = COMPONENTS / "shared" / "keyboard.js"
#: A handler of keys, or of a form that Enter submits, that is attached in another way.
BY_ITSELF = re.compile(
    r"""["'`](?:keydown|keyup|keypress)["'`]|\bonkey(?:down|up|press)\b|\bonsubmit\b|EventListener\(\s*["'`]submit["'`]"""
)


@pytest.mark.parametrize(
    "attached",
    [
        'field.addEventListener("keydown", act);',
        "for (const kind of ['keyup', 'click']) field.addEventListener(kind, act);",
        'h("input", { onkeydown: act })',
        "field.onkeypress = act;",
        'form.addEventListener("submit", act);',
        'h("form", { onsubmit: act })',
    ],
)
def test_the_check_below_finds_handlers_attached_in_any_way(attached: str) -> None:
    assert BY_ITSELF.search(attached)


#: The one field of the door is a password field, where browsers switch input methods off; and nobody is let in yet to
#: load modules.
DOOR = COMPONENTS / "door" / "page.js"


def test_all_handlers_of_keys_and_forms_leave_input_methods_alone() -> None:
    sources = sorted(COMPONENTS.rglob("*.js"))
    assert KEYBOARD in sources
    for path in sources:
        found = BY_ITSELF.search(path.read_text("utf-8"))
        assert path in (KEYBOARD, DOOR) or found is None, (
            f"{path.name} attaches {found and found[0]}; keyboard.js is for that"
        )
