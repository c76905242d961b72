"""The dashboard with real nodes: two people, each with a node and a browser, as README has them start."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from node.bus.client import Client
from node.errors import BusError
from tests.e2e.browser import ROOT, Dashboard, Visitor, patient, until, write
from tests.support.processes import PATIENCE, free_address, free_port

pytest_plugins = ["tests.e2e.browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


class Person:
    """Somebody with a node, a dashboard and a browser."""

    def __init__(self, name: str, home: pathlib.Path, chromium: Browser) -> None:
        self.name = name
        self.home = home
        self.address = free_address()
        self.client = Client(home, name="test", timeout=PATIENCE)
        self.node: subprocess.Popen[bytes] | None = None
        self.start_node()
        self.dashboard = Dashboard(home).start()
        self.visitor = Visitor(chromium.new_context(viewport={"width": 1280, "height": 760}), self.dashboard)

    def start_node(self) -> None:
        command = [sys.executable, "-m", "node", "run", "--home", str(self.home), "--name", self.name]
        self.node = subprocess.Popen([*command, "--listen", self.address], cwd=ROOT, stderr=subprocess.DEVNULL)
        until(self.ready, f"{self.name}'s node is ready")

    def ready(self) -> bool:
        with contextlib.suppress(BusError):
            return self.client.status(timeout=1).ready
        return False

    def kill_node(self) -> None:
        assert self.node is not None
        self.node.send_signal(signal.SIGKILL)
        self.node.wait(PATIENCE)

    def leave(self) -> None:
        self.dashboard.stop()
        if self.node is not None and self.node.poll() is None:
            self.node.terminate()
            self.node.wait(PATIENCE)
        self.client.close()
        self.visitor.context.close()


@pytest.fixture
def people(chromium: Browser, tmp_path: pathlib.Path) -> Iterator[tuple[Person, Person]]:
    with contextlib.ExitStack() as stack:
        both = []
        for name in ("anna", "bela"):
            person = Person(name, tmp_path / name, chromium)
            stack.callback(person.leave)
            both.append(person)
        yield both[0], both[1]
        for person in both:
            person.visitor.check()


def texts(tab: Page, text: str) -> None:
    expect(tab.locator(".log .text").filter(has_text=re.compile(f"^{re.escape(text)}$"))).to_have_count(1)


#: The link that a dashboard prints, by its random name.
NAMED_LINK = re.compile(r"http://\S+\.localhost\S+\?link=\S+")


def test_two_people_meet_talk_crash_and_go_on(people: tuple[Person, Person]) -> None:
    anna, bela = people
    hers = anna.visitor.open(page="peers")
    hers.get_by_label("Address").fill(bela.address)
    hers.get_by_label("Address").press("Enter")
    expect(hers.locator(".peer .presence")).to_have_text(re.compile("online|reachable"))
    expect(hers.locator("#connect-note")).to_contain_text("bela is online. Encrypted:")
    hers.get_by_role("button", name="Open the conversation").click()
    expect(hers.locator(".composer textarea")).to_be_visible()
    expect(hers.locator(".talk .badge")).to_have_text("encrypted")
    write(hers, "hello from anna")
    expect(hers.locator(".row.mine .state")).to_have_text("delivered")

    his = bela.visitor.open()
    row = his.locator(".list .room.asks")
    expect(row.locator(".count")).to_have_text("1")
    row.click()
    expect(his.locator(".firstline .text")).to_have_text("hello from anna")
    his.get_by_role("button", name="Accept").click()
    texts(his, "hello from anna")
    expect(his.locator(".list .room .count")).to_have_text("")
    write(his, "hello back\nin two lines")
    expect(hers.locator(".row.theirs .text")).to_contain_text("hello back")

    # A second dashboard on anna's home agrees.
    with contextlib.ExitStack() as stack:
        second = Dashboard(anna.home).start()
        stack.callback(second.stop)
        other = Visitor(anna.visitor.context.browser.new_context(), second)  # type: ignore[union-attr]
        stack.callback(other.context.close)
        too = other.open()
        expect(too.locator(".list .room").locator(".count")).to_have_text("")
        hers.locator(".page", has_text="Peers").click()
        expect(hers.locator(".peers h1")).to_be_visible()
        write(his, "are you there?")
        expect(too.locator(".list .room").locator(".count")).to_have_text("1")
        expect(hers.locator(".page", has_text="Chats").locator(".count")).to_have_text("1")
        too.locator(".list .room").click()
        expect(hers.locator(".page", has_text="Chats").locator(".count")).to_have_text("")
        other.check()

    # Anna's node dies as in a power cut; what she writes meanwhile goes out once it is back.
    hers.locator(".page", has_text="Chats").click()
    texts(hers, "are you there?")
    anna.kill_node()
    expect(hers.locator(".strip")).to_contain_text("The node is away since")
    expect(hers.locator(".strip code")).to_have_text(f"python -m node run --home {anna.home}")
    write(hers, "written in the dark")
    expect(hers.locator(".row[data-pending] .state")).to_have_text("not yet taken")
    anna.start_node()
    expect(hers.locator(".strip")).to_be_hidden()
    expect(hers.locator(".row[data-pending]")).to_have_count(0)
    texts(his, "written in the dark")
    texts(hers, "written in the dark")


def test_honcho_runs_two_dashboards_on_one_home(chromium: Browser, tmp_path: pathlib.Path) -> None:
    environment = {
        **os.environ, "SNICHER_HOME": str(tmp_path), "SNICHER_LISTEN": free_address(),
        # honcho adds 100 for the second process of the Procfile, and one for each further one of a kind.
        "PYTHONUNBUFFERED": "1", "PORT": str(free_port(further=(100, 101))),
        # As in an activated environment: honcho starts plain `python`.
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    honcho = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start", "-c", "node=1,dashboard=2"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    lines: list[str] = []
    assert honcho.stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(iter(honcho.stdout.readline, "")), daemon=True)  # type: ignore[union-attr]
    reader.start()
    try:
        until(lambda: len(NAMED_LINK.findall("".join(lines))) == 2, f"two links; it said {lines}", 2 * PATIENCE)
        links = NAMED_LINK.findall("".join(lines))
        assert len({link.split("/?")[0] for link in links}) == 2, "each has a name of its own"
        context = patient(chromium.new_context())
        tabs = []
        for link in links:
            tab = context.new_page()
            tab.goto(link)
            tabs.append(tab)
        with Client(tmp_path, timeout=PATIENCE) as client:
            client.send(free_address(), "to nobody yet")
        for tab in tabs:
            expect(tab.locator(".list .room .preview")).to_have_text("You: to nobody yet")
            tab.reload()
            expect(tab.locator(".list .room .preview")).to_have_text("You: to nobody yet")
        context.close()
    finally:
        honcho.terminate()
        honcho.wait(PATIENCE)
        reader.join(PATIENCE)
