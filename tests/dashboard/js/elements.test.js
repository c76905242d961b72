import assert from "node:assert/strict";
import { test } from "node:test";

import { document } from "./dom.js";
const { h, reconcile, setAttribute } = await import("../../../dashboard/components/shared/dom.js");

const texts = (parent) => [...parent.children].map((element) => element.textContent);

/** Draws names into a list, with their own elements by key. */
function list() {
  const parent = document.createElement("ul");
  let made = 0;
  const make = () => {
    made++;
    return document.createElement("li");
  };
  const draw = (...names) => reconcile(parent, names, (name) => name, make, (element, name) => (element.textContent = name));
  return { parent, draw, made: () => made };
}

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

test("elements stay those of their keys, in the order of the items", () => {
  const { parent, draw, made } = list();
  draw("a", "b", "c");
  const [a, b, c] = parent.children;
  draw("c", "a", "d");
  assert.deepEqual(texts(parent), ["c", "a", "d"]);
  assert.equal(parent.children[0], c);
  assert.equal(parent.children[1], a);
  assert.equal(b.parentNode, null);
  assert.equal(made(), 4);
});

test("whoever came back gets a new element", () => {
  const { parent, draw, made } = list();
  draw("a");
  draw();
  draw("a");
  assert.deepEqual(texts(parent), ["a"]);
  assert.equal(made(), 2);
});
