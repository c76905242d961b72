"""A counter behind the hatch for tests of native pages (AppTest): a model, answers as told, and what was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from dashboard import activity, diagnosing, hatch, options, schema, viewmodel
from tests.dashboard.nouns import snapshot
from tests.support.diagnoses import some

_T = TypeVar("_T")


def option(key: str, **more: Any) -> options.OptionView:
    fields: dict[str, Any] = {
        "value": "v", "meaning": "what it means", "origin": "The default", "how": "", "fixed": False, "restart": False,
        **more,
    }  # fmt: skip
    return options.OptionView(key=key, **fields)


class Counter:
    """Stands in for native.Native. `admitted`: whether everybody is let in."""

    def __init__(self, *, admitted: bool = True) -> None:
        self.admitted = admitted
        self.asked: list[Any] = []
        self.model = viewmodel.Model("/home")
        self.model.resync(snapshot())
        self.figures: activity.Figures | None = None
        #: What is raised instead of an answer.
        self.problem: Exception | None = None
        self.settings: dict[str, Any] = {
            "name": "anna", "reconnect": True, "share_reading": True, "keep_events": 1_000_000, "keep_days": 0,
            "accept_nodes": "ask", "accept_plain": "everybody",
            "discovery": "on", "presence": "online", "status": "", "static_peers": [],
            "mandatory": ["10.0.0.9:1255@10.0.0.0/8"], "mandatory_greeting": "Hello", "mandatory_rule": "on",
        }  # fmt: skip
        self.blocked: list[options.BlockedView] = []
        self.options: dict[str, options.OptionView] | None = {key: option(key) for key in (*self.settings, "quota")}

    def admits(self, visitor: hatch.Visitor) -> bool:
        return self.admitted

    def ask(self, visitor: hatch.Visitor, question: Any) -> Any:
        if not self.admitted:
            raise hatch.ShutOut
        self.asked.append(question)
        match question:
            case schema.Options():
                return options.OptionsView(
                    settings=dict(self.settings), options=self.options, greetings=[], home="/home/[anna](http://x)",
                    program="1.0", database="12 MB", free="38 GB", messages=3, kept_events=7, oldest=1,
                    blocked=list(self.blocked),
                )  # fmt: skip
            case schema.Change():
                if self.problem:
                    raise self.problem
                given = {key: getattr(question, key) for key in self.settings}
                self.settings.update({key: value for key, value in given.items() if value is not None})
                return options.Changed(dict(self.settings))
            case schema.Command() if self.problem:
                raise self.problem
            case schema.Command(op="unblock"):
                self.blocked = [one for one in self.blocked if one.id.encode() not in bytes(question.args)]
                return schema.Done()
            case schema.Command(op="doctor"):
                return schema.Diagnosed(diagnosing.view(some(1_800_000_000_000)))
            case schema.Link():
                return schema.Code("c0de")
            case _:
                return schema.Done()

    def read(self, visitor: hatch.Visitor, look: Callable[[hatch.Sight], _T]) -> _T:
        if not self.admitted:
            raise hatch.ShutOut
        return look(hatch.Sight(self.model, self.figures))

    def changes(self) -> list[schema.Change]:
        return [one for one in self.asked if isinstance(one, schema.Change)]
