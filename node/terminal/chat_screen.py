"""The chat on a terminal: who it is above, what was said below, then how things are, and a prompt at the bottom.

What is shown is decided elsewhere: chat_talk, chat_rows and chat_view. The keys are in chat_keys, and what talks with
the node is in chat_errands; here they come together.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.layout import BufferControl, Dimension, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.controls import UIContent, UIControl
from prompt_toolkit.layout.processors import BeforeInput, Processor, Transformation, TransformationInput
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.styles import Style

from node import program
from node.bus import bounds, locate
from node.bus import requests as rq
from node.bus.client import Away, Back, Client, Cursor, Item, Resync
from node.bus.commands import new_id
from node.errors import BusError, NodeAway
from node.printable import flat, plain
from node.terminal.chat_errands import Errands
from node.terminal.chat_keys import keys
from node.terminal.chat_log import PAGE, unsent
from node.terminal.chat_rows import Row, Rows, cut, merged, odd, wrapped
from node.terminal.chat_sending import Outbox, Recall, Typing, understood
from node.terminal.chat_talk import Talk
from node.terminal.chat_view import View
from node.terminal.lines import refusal
from node.terminal.patience import patiently

#: Most rows of the prompt and of the line above it that says how things are.
PROMPT_ROWS, STATUS_ROWS = 8, 3
#: How often the clock is looked at, in seconds: countdowns, texts to hand over again.
TICK_S = 0.5
#: How long a person who leaves waits for what is on its way to the node, in seconds; leaving again ends the wait.
LEAVE_S = 5.0
#: What is said to somebody who sends while the node is away; and while there is nothing else to say.
STAYS = "Your text stays here until the node is back."
KEYS = "Enter sends · Alt+Enter: a new line · PageUp: earlier · /help · /quit"
HELP = """Enter          sends what stands in the prompt
Alt+Enter      begins a new line in it, and so does Ctrl+J; pasted lines stay lines
PageUp/Down    what was said before, and back; with an empty prompt also the arrows and the wheel
End            to the newest message
Ctrl+P, Ctrl+N what you sent here before, into the prompt, and back
//text         sends a text that begins with a slash
/again         sends your last message again that has failed or wasn't confirmed
/help          shows this, and takes it away again
/quit          leaves; so does Ctrl+D or Ctrl+C on an empty prompt (Ctrl+C empties one with text)
> before a name: said here. waiting: on this machine's disk. sent: a plain client can't confirm more.
delivered: on their disk. read: they have read it, and share that."""
_STYLE = Style.from_dict({
    "title": "reverse bold",
    "status": "reverse",
    "own": "ansigreen bold",
    "other": "ansicyan bold",
    "bad": "ansired bold",
    "new": "ansiyellow bold",
    "time": "dim",
    "quiet": "dim",
    "day": "dim",
})  # fmt: skip


class Screen:
    """One run of the chat on a terminal. `keyboard` and `output` are the terminal's unless a test gives others."""

    def __init__(
        self, client: Client, snapshot: rq.SnapshotResult, room: str, peer: str | None,
        *, keyboard: Input | None = None, output: Output | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self.talk = Talk(snapshot, room, peer, program.typed(locate.start_command(client.home)))
        self.view = View()
        self.outbox = Outbox(new_id)
        self._rows = Rows()
        self._typing = Typing()
        self._recall = Recall()
        #: What came of the last thing that was typed, if there is something to say.
        self.notice = ""
        self.helps = False
        self._loading = False
        self._reading = 0
        self._leaving = False
        self._signal = 0
        self._errands = Errands(client, Cursor(snapshot.log, snapshot.seq), self.take)
        self._size = (80, 20)
        self._drawn: tuple[list[Row], str] = ([], "")
        self._was_odd = False
        self._said = ""
        self.prompt = Buffer(multiline=True, on_text_changed=lambda _: self._types())
        self.app: Application[int] = Application(
            layout=self._layout(), key_bindings=keys(self), style=_STYLE, full_screen=True,
            input=keyboard, output=output, color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
        )  # fmt: skip
        # Alt+Enter begins with an escape; nobody waits long for what comes after one.
        self.app.ttimeoutlen = 0.1
        self.app.before_render += lambda _: self._clear_if_odd()
        self.app.after_render += lambda _: self.attend()

    def run(self) -> int:
        """Until the person leaves; returns the exit code."""
        try:
            code = self.app.run(pre_run=self._begin, handle_sigint=False)
        finally:
            self._errands.end()
        lost = [one.text for one in self.outbox.pending] + [self.prompt.text.strip("\n")] * bool(
            self.prompt.text.strip()
        )
        if lost:
            print("What you typed here was not handed over to the node:", file=sys.stderr)
            print("\n".join(plain(text) for text in lost), file=sys.stderr)
            code = code or NodeAway.exit_code
        if self._signal:
            # The screen is as it was before; now what the signal asked for.
            signal.raise_signal(self._signal)
        return code

    # -- the screen

    def _layout(self) -> Layout:
        title = Window(FormattedTextControl(self._title), height=1, style="class:title", wrap_lines=False)
        history = Window(_History(self), wrap_lines=False, always_hide_cursor=True, height=Dimension(min=1))
        status = Window(
            FormattedTextControl(lambda: self._status()[1]), style="class:status",
            height=lambda: Dimension.exact(self._status()[0]), dont_extend_height=True,
        )  # fmt: skip
        prompt = Window(
            BufferControl(self.prompt, input_processors=[_Safe(), BeforeInput("> ", style="class:own")]),
            wrap_lines=True, height=Dimension(min=1, max=PROMPT_ROWS), dont_extend_height=True,
        )  # fmt: skip
        return Layout(HSplit([title, history, status, prompt]), focused_element=prompt)

    def history(self, columns: int, rows: int) -> list[Row]:
        """What the history shows on so many columns and rows."""
        self._size = columns, rows
        room = self.talk.room
        direct = room is not None and room.kind == "direct"
        me = self.talk.state.self.name
        log = self.talk.log
        blocks = self._rows.blocks(
            log.messages, self.outbox.pending if not log.more_after else [], me, self.talk.first_new(),
            columns=columns, direct=direct,
        )  # fmt: skip
        self.view.goes_on = log.more_after
        shown = self.view.show(blocks, rows)
        if self.helps:
            told = [merged(row) for row in wrapped([("class:quiet", HELP)], columns)][:rows]
            shown = [*shown[len(told) + len(shown) - rows if len(told) + len(shown) > rows else 0 :], *told]
        elif not shown and log.begun:
            shown = [[("class:quiet", cut("Nothing was said yet.", columns))]]
        return [*[[] for _ in range(rows - len(shown))], *shown]

    def _title(self) -> StyleAndTextTuples:
        columns = self._columns()
        name, *words = self.talk.title()
        rest = " · ".join(words)
        return [("", cut(f" {cut(name, max(10, columns - len(rest) - 5))} · {rest} ", columns))]

    def _columns(self) -> int:
        return max(1, self.app.output.get_size().columns)

    def _status(self) -> tuple[int, StyleAndTextTuples]:
        """The rows of the status, and what it says."""
        columns = self._columns()
        rows = [merged(row) for row in wrapped([("", self.said())], columns)]
        if len(rows) > STATUS_ROWS:
            rest = "".join(text for row in rows[STATUS_ROWS - 1 :] for _, text in row)
            rows = [*rows[: STATUS_ROWS - 1], [("", cut(rest + " " * columns, columns))]]
        pieces: StyleAndTextTuples = []
        for number, row in enumerate(rows):
            pieces += [*([("", "\n")] if number else []), *row]
        return len(rows), pieces

    def said(self) -> str:
        """How things are, in sentences: the newest and the worst first."""
        now = _now()
        below = self.talk.below()
        parts = [self.notice] if self.notice else []
        if self._leaving:
            parts.insert(0, "Handing over what you typed; leave again to go at once.")
        parts += [f"{below} new below (End)"] if below else [] if self.view.at_end else ["End: to the newest"]
        types = self.talk.types(now)
        parts += [*([types] if types else []), *self.talk.trouble(now)]
        return " · ".join(parts) or KEYS

    def _clear_if_odd(self) -> None:
        """A row that the terminal draws otherwise than we think can't be changed in part: all is drawn anew then."""
        drawn = self.history(*self._size), self.prompt.text
        if drawn == self._drawn:
            return
        self._drawn = drawn
        is_odd = any(odd(row) for row in drawn[0]) or odd([("", drawn[1])])
        if is_odd or self._was_odd:
            self.app.renderer.erase(leave_alternate_screen=False)
        self._was_odd = is_odd

    def changed(self) -> None:
        """Draw what has changed."""
        self.app.invalidate()

    # -- its life

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if os.name != "nt":
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                with contextlib.suppress(RuntimeError, ValueError):
                    loop.add_signal_handler(number, self._signalled, number)
        self._errands.begin(loop)
        self.app.create_background_task(self._tick())

    async def _tick(self) -> None:
        while True:
            self._hand_over()
            if (said := self.said()) != self._said:
                self._said = said
                self.changed()
            await asyncio.sleep(TICK_S)

    def _signalled(self, number: int) -> None:
        self._signal = number
        self.exit()

    # -- what comes in

    def take(self, item: Item) -> None:
        """Take what the follower gave."""
        self.talk.take(item, _now())
        if isinstance(item, Back | Resync):
            self.notice = "" if self.notice == STAYS else self.notice
            self.outbox.hurry()
            self._hand_over()
        if isinstance(item, Away):
            self._reading = 0
        self.changed()

    def attend(self) -> None:
        """See to it that what is shown is there, and that what is seen counts as read."""
        log = self.talk.log
        if self.view.at_end:
            upto = self.talk.sees_end()
            if upto is not None and upto > self._reading and self.talk.away is None:
                self._reading = upto
                room = self.talk.room_id
                self._errands.ask(lambda: self._client.mark_read(room, upto), self._read)
        else:
            self.talk.sees_above()
        if self._loading or self.talk.away is not None:
            return
        if self.talk.stale:
            self._load("anew", around=self.view.anchor)
        elif log.more_after and self.view.at_end:
            self._load("anew")
        elif log.more_before and self.view.at_top:
            self._load("before", before=log.messages[0].id if log.messages else None)
        elif log.more_after and self.view.near_bottom:
            self._load("after", after=log.messages[-1].id if log.messages else None)

    def _read(self, result: Any) -> None:
        if isinstance(result, BusError):
            self._reading = 0

    def _load(self, where: str, **place: int | None) -> None:
        self._loading = True
        talk = self.talk
        room = talk.room_id
        if where == "anew":
            talk.stale = False
        talk.log.asks()
        self._errands.ask(
            lambda: self._client.history(room, limit=PAGE, **place), lambda page: self._loaded(page, where, room)
        )

    def _loaded(self, page: Any, where: str, room: str) -> None:
        self._loading = False
        log = self.talk.log
        if isinstance(page, BusError):
            log.failed()
            if isinstance(page, NodeAway):
                self.talk.stale = self.talk.stale or where == "anew"
            elif where == "anew" and self.view.anchor is not None:
                # What was looked at is gone.
                self.view.end()
                self.talk.stale = True
            elif self.talk.room is None:
                # Nothing was said yet, or all was deleted.
                log.asks()
                log.takes(rq.HistoryResult(seq=0, messages=[], more_before=False, more_after=False), where="anew")
            else:
                self.notice = plain(str(page))
                log.more_before = log.more_before and where != "before"
        elif room != self.talk.room_id or not log.takes(page, where=where):
            self.talk.stale = True
        self.changed()

    # -- what is typed

    def enter(self) -> None:
        """The person has pressed Enter."""
        typed = understood(self.prompt.text)
        self.notice = typed.wrong
        if typed.command:
            self.prompt.reset()
            if typed.command == "quit":
                self.leave()
            elif typed.command == "again":
                self._send_again()
            else:
                self.helps = not self.helps
        elif typed.text:
            self.helps = False
            if self.talk.away is not None:
                self.notice = STAYS
            elif len(typed.text.encode("utf-8", "replace")) > bounds.MAX_TEXT_BYTES:
                self.notice = f"Too long: at most {bounds.MAX_TEXT_BYTES} bytes go into one message."
            elif not self.outbox.add(typed.text, _now()):
                self.notice = "The node is slow: what you sent before is still on its way to it."
            else:
                self._recall.sent(self.prompt.text)
                self.prompt.reset()
                self._typing.stops()
                self.talk.answered()
                self.view.end()
                self._hand_over()
        self.changed()

    def _hand_over(self) -> None:
        one = self.outbox.next(_now())
        if one is not None:
            to, text, key = self.talk.to, one.text, one.key
            self._errands.ask(lambda: patiently(lambda: self._client.send(to, text, key=key)), self._handed_over)

    def _handed_over(self, result: Any) -> None:
        if isinstance(result, BusError):
            back = self.outbox.refused(result, _now())
            if back is not None:
                typed = self.prompt.text
                slash = "/" if back.startswith("/") else ""
                self.prompt.text = f"{slash}{back}" + (f"\n{typed}" if typed else "")
                self.prompt.cursor_position = len(self.prompt.text)
                self.notice = f"Not sent: {flat(refusal(result))}"
                self._leaving = False
        else:
            self.outbox.accepted()
            # The message itself comes as an event.
            self.talk.goes_on_in(result.room)
        if self._leaving and not self.outbox.pending:
            self.exit()
        self._hand_over()
        self.changed()

    def _send_again(self) -> None:
        one = unsent(self.talk.log.messages)
        if one is None:
            self.notice = "Nothing that you sent here has failed."
        elif self.talk.away is not None:
            self.notice = "It can be sent again when the node is back."
        else:
            id_ = one.id
            self._errands.ask(lambda: self._client.resend(id_), self._sent_again)

    def _sent_again(self, result: Any) -> None:
        # What becomes of it is shown where it stands.
        if isinstance(result, BusError):
            self.notice = f"Not sent again: {flat(refusal(result))}"
            self.changed()

    def recall(self, *, earlier: bool) -> None:
        """Put a text that was sent before into the prompt, or a later one."""
        text = self._recall.earlier(self.prompt.text) if earlier else self._recall.later()
        if text is not None:
            self.prompt.text = text
            self.prompt.cursor_position = len(text)
            self.changed()

    def clear(self) -> None:
        """The person takes back what stands in the prompt."""
        self.prompt.reset()
        self._types()

    def _types(self) -> None:
        tell = self._typing.typed(self.prompt.text, _now())
        if tell is not None and self.talk.may_tell_typing and self.view.at_end:
            room = self.talk.room_id
            self._errands.ask(lambda: self._client.typing(room, stopped=not tell))

    # -- the end

    def leave(self) -> None:
        """The person leaves: at once, or when what they typed has been handed over."""
        if self.outbox.pending and self.talk.away is None and not self._leaving:
            self._leaving = True
            asyncio.get_running_loop().call_later(LEAVE_S, self.exit)
            self.changed()
        else:
            self.exit()

    def exit(self) -> None:
        """End the screen."""
        if self.app.is_running and not self.app.is_done:
            self.app.exit(result=0)


class _History(UIControl):
    """The rows of the history, which are already as wide and as many as fit."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def create_content(self, width: int, height: int) -> UIContent:
        rows = self._screen.history(width, height)
        return UIContent(get_line=lambda number: list(rows[number]), line_count=len(rows), show_cursor=False)


class _Safe(Processor):
    """What was pasted into the prompt can't steer the terminal: what isn't printable is drawn as a sign."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        text = "".join(piece[1] for piece in transformation_input.fragments)
        safe = plain(text)
        if safe == text:
            return Transformation(transformation_input.fragments)
        return Transformation([("", safe)])


def _now() -> int:
    return int(time.time() * 1000)
