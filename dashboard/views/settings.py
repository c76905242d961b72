"""The page with the settings: name, connections, mandatory peers, how much is kept, and who may come in.

Each setting is saved by itself, and told so once the node has it. What is decided about them is in drafts.py; here they
are drawn. The parts of the page are in the order of the columns.
"""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import streamlit as st

from dashboard import appearance, drafts, hatch, hosts, options, registry, schema, when
from dashboard.components import head, plain, theme
from dashboard.components.plain import Word
from dashboard.views import found, strangers
from node import program

_ICON = (
    "M4 7h9m4 0h3M4 12h3m4 0h9M4 17h11m4 0h1M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM9 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4z"
    "m8 5a2 2 0 1 0 0-4 2 2 0 0 0 0 4z"
)
#: Sizes and counts are asked for again so often, in seconds.
_AGAIN_S = 15
#: Longest name, in characters; the node says so too.
_MAX_NAME = 64
#: Options that stand elsewhere on the page.
_ELSEWHERE = frozenset(
    {"home", "name", "reconnect", "share_reading", "keep_events", "keep_days", "mandatory", "mandatory_greeting",
     "mandatory_rule", "accept_nodes", "accept_plain", "discovery", "presence", "status"}
)  # fmt: skip
_NEW_PEER = "new-peer"
_UNKNOWN = "This node doesn't tell."


def _sure(days: int, before: int | None) -> str:
    """Keeping less can't be undone."""
    less = days > 0 and (not before or days < before)
    return f"Really delete what is older than {days:,} days?" if less else ""


def _drafts() -> dict[str, drafts.Draft]:
    """What is edited in this tab."""
    if "drafts" not in st.session_state:
        all_of_them = (
            drafts.Draft("name", read=drafts.some(f"Type a name: 1 to {_MAX_NAME} characters.")),
            drafts.Draft("status"),
            drafts.Draft("keep_days", show="{:,}".format, read=drafts.whole("the days"), sure=_sure),
            drafts.Draft("keep_events", show="{:,}".format, read=drafts.whole("how many events")),
            drafts.Draft("mandatory_greeting", read=drafts.some("Type a greeting: 1 to 500 characters.")),
            drafts.Draft(_NEW_PEER, show=lambda _: "", nothing="Type an address, as 192.168.1.20:5000."),
        )
        st.session_state["drafts"] = {one.key: one for one in all_of_them}
    found: dict[str, drafts.Draft] = st.session_state["drafts"]
    return found


#: The keys of the text fields.
_FIELDS = ("name", "status", "keep_days", "keep_events", "mandatory_greeting", _NEW_PEER)


class _Drawing:
    """One run of the script: what the node told, and what the reader did."""

    def __init__(self, told: head.Head, view: options.OptionsView) -> None:
        self.head = told
        self.view = view
        self.now = int(time.time() * 1000)
        self.drafts = _drafts()

    def option(self, key: str) -> options.OptionView | None:
        """What the node says of a setting beside its value."""
        return self.view.options.get(key) if self.view.options else None

    # -- a setting with a text

    def field(
        self, key: str, label: str, button: str, *, help_text: str = "", unit: str = "", value: Any = None,
        save: Callable[[drafts.Draft, dict[str, Any]], None] | None = None, placeholder: str = "", fixed: bool = False,
    ) -> None:  # fmt: skip
        """A text field with its button; `value` is what the node holds, None: unknown. `fixed`: its start said so."""
        draft, option = self.drafts[key], self.option(key)
        fixed = fixed or value is None or bool(option and option.fixed)
        # A field that is disabled loses what the browser kept from before a new start of the server.
        unseen = not self.view.settings
        typed, act = st.session_state.get(key), self.head.act(key)
        entered = act is not None and act.key == "enter"
        if act and entered:
            typed = act.text
        # What somebody is just typing is known in a moment; then it is compared with what the node holds.
        leave = key in self.head.typing and typed is not None
        shown = typed if leave and typed is not None else draft.sees(value, typed, self.now)
        if act and act.key == "escape":
            shown = draft.restores()
        if key in st.session_state and (st.session_state[key] != shown or draft.again):
            # The browser keeps what is being typed, and takes this only where nothing is.
            draft.puts(st.session_state[key], shown)
            st.session_state[key] = shown
        self.head.again |= draft.again
        pressed = st.session_state.pop(f"pressed-{key}", False) or entered
        changes = draft.wants() if pressed and not fixed else None
        with st.container(key=f"field-{key}", gap="xxsmall"):
            with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", key=f"line-{key}"):
                st.text_input(
                    label, shown, key=key, live=True, autocomplete="off", disabled=fixed and not unseen,
                    placeholder=_UNKNOWN if value is None else placeholder,
                )  # fmt: skip
                if unit:
                    plain.line(unit, look="quiet unit", width="content")
                kind: Literal["primary", "secondary"] = (
                    "primary" if (draft.dirty or key == _NEW_PEER) and not fixed else "secondary"
                )
                st.button(
                    draft.question or button,
                    key=f"save-{key}",
                    type=kind,
                    disabled=fixed,
                    on_click=_presses,
                    args=(key,),
                )
                if draft.question:
                    st.button("Leave it as it is", key=f"leave-{key}", type="tertiary", on_click=_takes, args=(key,))
            note = st.empty()
            if draft.elsewhere:
                st.button("Take that", key=f"take-{key}", type="tertiary", on_click=_takes, args=(key,))
            plain.line(help_text, self.source(key, value), look="quiet")
            if changes is not None:
                _say(note, drafts.Note("Saving…"))
                (save or self._save)(draft, changes)
            if pressed:
                self.head.say(draft.note.text)
            _say(note, draft.told)

    def _save(self, draft: drafts.Draft, changes: dict[str, Any]) -> None:
        if self.put(draft, changes):
            draft.saved(changes[draft.key], self.now)

    def put(self, of: drafts.Draft, changes: dict[str, Any], saved: str = "Saved.") -> bool:
        """Save; the note says what came of it. What was saved holds from then on, however late the page hears of it."""
        try:
            answer: options.Changed = hatch.ask(
                schema.Change(0, of.saver.begins(changes, hatch.new_id(), saved), **changes)
            )
        except hatch.Problem as problem:
            of.note = of.saver.failed(str(problem), problem.retryable)
            return False
        self.view.settings.update(answer.settings)
        return True

    def source(self, key: str, value: Any) -> Word:
        """Where the value comes from; and if the node's start has fixed it, what to do about that."""
        option = self.option(key)
        if value is None and key != _NEW_PEER:
            return Word(_UNKNOWN)
        return Word(option.how or f"{option.origin}.", "source", tip=option.meaning) if option else Word("")

    # -- a setting that is one of a few

    def choice(self, key: str, label: str, choices: Sequence[tuple[Any, str]], *, help_text: str = "") -> None:
        """Saved at once; it is shown as the node has it as soon as that has answered."""
        value, option = self.view.settings.get(key), self.option(key)
        notes: dict[str, drafts.Note] = st.session_state.setdefault("choices", {})
        words = [text for _, text in choices]
        held = next((text for one, text in choices if one == value), None)
        if key in st.session_state and st.session_state[key] != held:
            st.session_state[key] = held
        index = None if held is None else words.index(held)
        with st.container(key=f"field-{key}", gap="xxsmall"):
            st.radio(
                label, words, index, key=key, disabled=value is None or bool(option and option.fixed),
                on_change=self._chosen, args=(key, choices),
            )  # fmt: skip
            plain.line(help_text, self.source(key, value), look="quiet")
            note = notes.get(key, drafts.SILENT)
            if note.tone == "good" and self.now - note.at > drafts.SAVED_MS:
                note = notes[key] = drafts.SILENT
            if note.at and self.now - note.at < drafts.SAVED_MS:
                self.head.say(note.text)
            _say(st.empty(), note)

    def _chosen(self, key: str, choices: Sequence[tuple[Any, str]]) -> None:
        chosen = next((one for one, text in choices if text == st.session_state[key]), None)
        notes: dict[str, drafts.Note] = st.session_state.setdefault("choices", {})
        savers: dict[str, drafts.Saver] = st.session_state.setdefault("savers", {})
        saver, now = savers.setdefault(key, drafts.Saver()), int(time.time() * 1000)
        changes = {key: chosen}
        try:
            answer: options.Changed = hatch.ask(schema.Change(0, saver.begins(changes, hatch.new_id()), **changes))
        except hatch.Problem as problem:
            notes[key] = saver.failed(str(problem), problem.retryable)._replace(at=now)
        except hatch.ShutOut:
            return
        else:
            notes[key] = saver.done(now)
            self.view.settings.update(answer.settings)


def _presses(key: str) -> None:
    st.session_state[f"pressed-{key}"] = True


def _takes(key: str) -> None:
    st.session_state[key] = _drafts()[key].restores()


def _say(place: Any, note: drafts.Note) -> None:
    if note.text:
        place.html(plain.markup(note.text, look="note", tone=note.tone))
    else:
        place.empty()


def _card(name: str, title: str) -> Any:
    """A section of the page."""
    card = st.container(key=f"card-{name}", border=True, gap="small")
    card.header(title, anchor=False)
    return card


def _you(drawing: _Drawing) -> None:
    """Who this node is to others: its name, where they reach it, and the short code."""
    me = hatch.read(lambda sight: appearance.self_view(sight.model.state.self) if sight.model.state else None)
    drawing.field(
        "name", "Your name", "Save name", value=drawing.view.settings.get("name"),
        help_text="What others see. Peers who gave you another name keep theirs.",
    )  # fmt: skip
    found.presence(drawing.choice, drawing.field, drawing.view.settings.get("status"))
    with st.container(key="field-addresses", gap="xxsmall"):
        plain.line("Where others reach you", look="label")
        plain.line("Pass one on; the first is usually the right one.", look="quiet")
        with st.container(horizontal=True, gap="xsmall"):
            for address in me.addresses if me else []:
                st.code(address, language=None, width="content")
        if not me or not me.addresses:
            plain.line("The node knows of no address yet. Is this machine on a network?", look="note")
    if me:
        with st.container(key="field-code", gap="xxsmall"):
            plain.line("Your node's short code", look="label")
            st.code(me.code, language=None, width="content")


def _connections(drawing: _Drawing) -> None:
    """How the node finds peers, behaves towards them, and what it tells them."""
    found.network(drawing.choice)
    drawing.choice(
        "reconnect", "When a connection breaks",
        [(True, "Connect again by itself"), (False, "Stay apart until somebody connects")],
    )  # fmt: skip
    drawing.choice(
        "share_reading", "What others see of you",
        [(True, "Tell them when I have read, and when I type"), (False, "Tell them neither")],
        help_text="In encrypted chats, others see when you have read a message, and when you type. Off: they are told "
        "neither. You still see theirs if they share it. Plain clients never see any of it.",
    )  # fmt: skip


def _strangers(drawing: _Drawing) -> None:
    """Who may write to this node."""
    strangers.who_may_write(drawing.choice)


def _blocked(drawing: _Drawing) -> None:
    """Who is blocked."""
    strangers.blocked(drawing.view, drawing.now, drawing.head.zone, drawing.head.say)


def _kept(drawing: _Drawing) -> None:
    """How much is kept of the event log and of messages. A change that can't be undone asks twice."""
    view = drawing.view
    counts = [_many(view.messages, "message"), _many(view.kept_events, "event")]
    both = " and ".join(one for one in counts if one)
    plain.line(f"On the disk now: {both}." if both else "How much there is, only the node can tell.", look="quiet")
    drawing.field(
        "keep_days", "Keep messages for", "Save days", unit="days", value=view.settings.get("keep_days"),
        help_text="0 keeps them for ever. Older ones are deleted from this node's disk, a few at a time while it runs, "
        "and can't be brought back; what others have on theirs stays.",
    )  # fmt: skip
    drawing.field(
        "keep_events", "Keep in the event log", "Save events", unit="events", value=view.settings.get("keep_events"),
        help_text="The newest ones; older ones go as new ones come. Messages are not touched. A bot or dashboard that "
        "was away for longer than the log reaches back starts afresh.",
    )  # fmt: skip


def _many(count: int | None, what: str) -> str:
    return "" if count is None else f"{count:,} {what}{'' if count == 1 else 's'}"


def _place(drawing: _Drawing) -> None:
    """Where everything lies, and how much room it takes."""
    view = drawing.view
    plain.line("Everything of this node is in one folder: conversations, key and settings.", look="quiet")
    if view.home:
        st.code(view.home, language=None, wrap_lines=True)
    else:
        plain.line("Only the node can tell.", look="note")
    if view.database:
        plain.line(f"The database takes {view.database}; {view.free} are free on that disk.", look="quiet")
    if view.home:
        plain.line("A backup of all of it, also while the node runs:", look="quiet")
        command = program.typed(f"python -m node backup --home {shlex.quote(view.home)} FILE")
        st.code(command, language=None, wrap_lines=True)


def _mandatory(drawing: _Drawing) -> None:
    """Peers that are greeted once at each start: the list, the greeting, the networks, and this start's outcomes."""
    plain.line(
        "Greeted once, each time the node starts; what is changed here counts from the next start on. An address may "
        "name the network it belongs to:", Word("IP:PORT@NETWORK", "code"), look="quiet",
    )  # fmt: skip
    held: list[str] | None = drawing.view.settings.get("mandatory")
    option = drawing.option("mandatory")
    fixed = held is None or bool(option and option.fixed)
    with st.container(key="field-mandatory", gap="xxsmall"):
        plain.line(Word("Who", "label"), drawing.source("mandatory", held), look="quiet")
        outcomes = {one.address: one for one in drawing.view.greetings}
        for entry in held or []:
            _mandatory_row(drawing, entry, outcomes.get(entry.partition("@")[0]), fixed)
        if not held:
            plain.line("" if held is None else "Nobody is greeted.", look="note")
    drawing.field(
        _NEW_PEER, "Address of a mandatory peer", "Add", value=None if held is None else "", fixed=fixed,
        save=_add(drawing, held or []), placeholder="192.168.1.20:5000",
    )  # fmt: skip
    drawing.field(
        "mandatory_greeting", "What they are told", "Save greeting",
        value=drawing.view.settings.get("mandatory_greeting"),
    )  # fmt: skip
    drawing.choice(
        "mandatory_rule", "From where",
        [("on", "Only from within the network that stands with their address"), ("off", "From any network")],
    )  # fmt: skip


def _mandatory_row(drawing: _Drawing, entry: str, outcome: options.GreetingView | None, fixed: bool) -> None:
    address, _, network = entry.partition("@")
    number = hashlib.sha256(entry.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    with st.container(horizontal=True, vertical_alignment="center", key=f"mandatory-{number}", gap="small"):
        with st.container(gap="xxsmall"):
            plain.line(Word(address, "strong"), Word(f"from within {network}" if network else "", "quiet"))
            if outcome:
                at = when.ago(outcome.at, drawing.now, drawing.head.zone)
                tip = when.full(outcome.at, drawing.head.zone)
                plain.line(Word(outcome.label, "mark", outcome.tone), Word(f"{at}. {outcome.why}", "quiet", tip=tip))
            else:
                plain.line(Word("not greeted yet", "mark", "plain"), Word("From the next start on.", "quiet"))
        if not fixed:
            st.button("Remove", key=f"remove-{number}", type="tertiary", on_click=_remove, args=(drawing, entry))


def _add(drawing: _Drawing, held: list[str]) -> Callable[[drafts.Draft, dict[str, Any]], None]:
    def save(draft: drafts.Draft, changes: dict[str, Any]) -> None:
        entry = changes[_NEW_PEER]
        if entry in held:
            draft.note = drafts.Note(f"{entry} is on the list already.", "wait")
        elif drawing.put(draft, {"mandatory": [*held, entry]}, f"Saved: {entry} is greeted from the next start on."):
            draft.saved(entry, drawing.now)

    return save


def _remove(drawing: _Drawing, entry: str) -> None:
    draft = drawing.drafts[_NEW_PEER]
    stay = [one for one in drawing.view.settings.get("mandatory") or [] if one != entry]
    if drawing.put(draft, {"mandatory": stay}, f"Saved: {entry} is greeted no more."):
        draft.note = draft.saver.done(int(time.time() * 1000))


def _access(drawing: _Drawing) -> None:
    """Who may open this dashboard: another link, for another browser; and all others can be shut out."""
    plain.line(
        "A link opens the dashboard in another browser, once, within a day. Who opens it reads and writes as you.",
        look="quiet",
    )
    origin = st.context.headers.get("Origin") or ""
    if weaker := hosts.weakness(origin):
        plain.line(weaker, look="quiet weaker")
    state = st.session_state.setdefault("access", {"code": "", "note": drafts.SILENT, "sure": False})
    if state["code"]:
        st.code(f"{origin}/?link={state['code']}", language=None, wrap_lines=True)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.button("Make a link", key="make-link", on_click=_make_link)
        if state["sure"]:
            st.button("Really? They need a link again", key="shut-out", type="primary", on_click=_shut_out)
            st.button("Leave them in", key="leave-in", type="tertiary", on_click=_ask_first, args=(False,))
        else:
            st.button(
                "Shut out all other browsers", key="shut-out-first", type="tertiary", on_click=_ask_first, args=(True,)
            )
    if state["note"].at and drawing.now - state["note"].at < drafts.SAVED_MS:
        drawing.head.say(state["note"].text)
    _say(st.empty(), state["note"])


def _ask_first(sure: bool) -> None:
    st.session_state["access"]["sure"] = sure


def _make_link() -> None:
    _at_the_door(schema.Link(0), "Open it in the other browser. It works once.")


def _shut_out() -> None:
    st.session_state["access"]["sure"] = False
    _at_the_door(schema.ShutOutOthers(0), "All other browsers are shut out, and earlier links don't work any more.")


def _at_the_door(question: schema.Link | schema.ShutOutOthers, done: str) -> None:
    state, now = st.session_state["access"], int(time.time() * 1000)
    try:
        told = hatch.ask(question)
    except hatch.Problem as problem:
        state["note"] = drafts.Note(str(problem), "bad", now)
    except hatch.ShutOut:
        return
    else:
        # An earlier link doesn't work any more after the others were shut out.
        state["code"] = told.code if isinstance(told, schema.Code) else ""
        state["note"] = drafts.Note(done, "good", now)


def _started(view: options.OptionsView) -> None:
    """What only a start of the node sets: the value, what it means, and who says so."""
    rows = [one for one in (view.options or {}).values() if one.key not in _ELSEWHERE]
    if view.options is not None and not rows:
        return
    with _card("started", "Set at the start"):
        plain.line("To change these, start the node with other flags, environment or config.toml.", look="quiet")
        if view.options is None:
            plain.line(_UNKNOWN, look="note")
        else:
            plain.pairs(
                ((Word(one.key.replace("_", " "), "strong"), Word(one.meaning, "quiet")),
                 (Word(one.value or "none"), Word(one.origin, "quiet")))
                for one in rows
            )  # fmt: skip


def _view(told: head.Head) -> options.OptionsView | None:
    """The settings as they are now, or as they were when they were asked for last."""
    if told.fresh or "options" not in st.session_state:
        try:
            st.session_state["options"] = hatch.ask(schema.Options(0))
        except hatch.Problem:
            # The strip says that the server is away; it is asked again when that is back.
            st.session_state.setdefault("options", None)
    found: options.OptionsView | None = st.session_state["options"]
    return found


@head.part("settings", hears=("options",), every=_AGAIN_S, fields=_FIELDS)
def _settings(told: head.Head) -> None:
    view = _view(told)
    if view is None:
        return
    if not view.settings:
        # The fields stand there all the same: they keep what was half-typed before the server was started anew.
        plain.line("The settings are shown as soon as the node is there.", look="note")
    drawing = _Drawing(told, view)
    with st.container(key="columns"):
        left, right = st.columns(2, gap="small")
        parts = (
            (left, "you", "You", _you), (left, "connections", "Connections", _connections),
            (left, "strangers", "Who may write to you", _strangers), (left, "kept", "What is kept", _kept),
            (left, "place", "Where it is", _place), (right, "mandatory", "Mandatory peers", _mandatory),
            (right, "blocked", "Who is blocked", _blocked), (right, "access", "This dashboard", _access),
        )  # fmt: skip
        for column, name, title, draw in parts:
            with column, _card(name, title):
                draw(drawing)
        with right, _card("theme", "Appearance"):
            theme.draw()
    _started(view)


def page() -> None:
    """Draw the page."""
    st.title("Settings", anchor=False)
    _settings()


PAGE = registry.Page(name="settings", title="Settings", place=50, icon=_ICON, draw=page)
