import assert from "node:assert/strict";
import { test } from "node:test";

import { document } from "./dom.js";
const { Children, closest, h, setAttribute } = await import("../../../dashboard/components/shared/dom.js");

const texts = (parent) => [...parent.children].map((element) => element.textContent);

test("text never becomes markup", () => {
  const element = h("p", { title: "<b>" }, "<img src=x onerror=alert(1)>", h("b", {}, "&amp;"));
  assert.equal(element.querySelector("img"), null);
  assert.equal(element.textContent, "<img src=x onerror=alert(1)>&amp;");
  assert.equal(element.getAttribute("title"), "<b>");
});

test("what is null or false is left out", () => {
  const element = h("p", { hidden: false, title: null, dir: undefined, lang: "" }, null, false, undefined, "a");
  assert.deepEqual([...element.attributes].map(({ name }) => name), ["lang"]);
  assert.equal(element.textContent, "a");
});

test("an attribute is written only when it differs, and goes when it is null", () => {
  const element = h("p", {});
  setAttribute(element, "data-n", 3);
  assert.equal(element.getAttribute("data-n"), "3");
  setAttribute(element, "data-n", null);
  assert.equal(element.hasAttribute("data-n"), false);
});

/** Draws names into a list whose children keep how often they were drawn. */
function children() {
  const parent = document.createElement("ul");
  const make = () => {
    const element = document.createElement("li");
    let drawn = 0;
    return { element, draw: (name) => (element.textContent = `${name} ${++drawn}`) };
  };
  return { parent, shown: new Children(parent, (name) => name, make) };
}

test("a child stays as long as its item, and draws it each time", () => {
  const { parent, shown } = children();
  shown.draw(["a", "b", "c"]);
  const [a, , c] = parent.children;
  shown.draw(["c", "a"]);
  assert.deepEqual(texts(parent), ["c 2", "a 2"]);
  assert.equal(parent.children[0], c);
  assert.equal(shown.get("a").element, a);
  assert.equal(shown.get("b"), undefined);
  assert.deepEqual([...shown].map(({ element }) => element.dataset.key), ["c", "a"]);
  shown.clear();
  assert.deepEqual([...parent.children, ...shown], []);
});

test("whoever came back gets a new child", () => {
  const { parent, shown } = children();
  shown.draw(["a"]);
  shown.draw(["a"]);
  shown.draw([]);
  shown.draw(["a"]);
  assert.deepEqual(texts(parent), ["a 1"]);
});

test("what stays in its place is not moved", () => {
  const { parent, shown } = children();
  shown.draw(["a", "b", "c", "d"]);
  const moved = [];
  const insert = parent.insertBefore.bind(parent);
  parent.insertBefore = (element, before) => {
    moved.push(element.dataset.key);
    return insert(element, before);
  };
  shown.draw(["b", "c", "e", "d"]);
  assert.deepEqual(moved, ["e"]);
});

test("a child that never changes needs no way to draw", () => {
  const parent = document.createElement("p");
  const chips = new Children(parent, (text) => text, (text) => ({ element: h("span", {}, text) }));
  chips.draw(["a", "b"]);
  chips.draw(["b"]);
  assert.deepEqual(texts(parent), ["b"]);
});

test("where an event happened is found from its target up", () => {
  const inner = h("b", {}, "text");
  const outer = h("button", { class: "act" }, inner);
  assert.equal(closest({ target: inner }, "button"), outer);
  assert.equal(closest({ target: inner }, "p"), null);
  assert.equal(closest({ target: document }, "button"), null);
});
