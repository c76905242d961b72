import "./dom.js";

import assert from "node:assert/strict";
import { test } from "node:test";

import { Windowed } from "../../../dashboard/components/shared/windowed.js";

globalThis.ResizeObserver = class {
  observe() {}
  disconnect() {}
};

/** A list with rows of 10 px in a view of 100 px, without a browser's layout. */
function list(count) {
  const scroller = document.createElement("div");
  const box = document.createElement("div");
  scroller.append(box);
  document.body.append(scroller);
  Object.defineProperty(scroller, "clientHeight", { value: 100 });
  scroller.scrollTop = 0;
  scroller.getBoundingClientRect = () => ({ top: 0 });
  box.getBoundingClientRect = () => ({ top: -scroller.scrollTop });
  let items = Array.from({ length: count }, (_, at) => `row ${at}`);
  const rows = new Windowed(scroller, box, {
    height: 10,
    keyOf: (item) => item,
    make() {
      const element = document.createElement("p");
      return { element, draw: (item) => (element.textContent = item) };
    },
  });
  const show = (next, how) => {
    items = next;
    rows.draw(items, (key) => items.indexOf(key), how);
  };
  rows.measure();
  show(items);
  return {
    scroller, box, rows, show,
    get items() {
      return items;
    },
    drawn: () => [...box.children].map(({ textContent }) => textContent),
    scrollTo(px) {
      scroller.scrollTop = px;
      scroller.dispatchEvent(new window.Event("scroll"));
    },
    /** The first row in view. */
    top: () => [...box.children].find(({ style }) => parseFloat(style.top) >= scroller.scrollTop)?.textContent,
  };
}

test("only rows in view and a few around them are in the page, each in its place", () => {
  const { box, drawn, scrollTo } = list(1000);
  assert.equal(box.style.height, "10000px");
  assert.deepEqual(drawn(), Array.from({ length: 18 }, (_, at) => `row ${at}`));
  scrollTo(5000);
  assert.deepEqual([drawn()[0], drawn().at(-1), drawn().length], ["row 492", "row 517", 26]);
  const [first] = box.children;
  assert.deepEqual(
    [first.style.top, first.getAttribute("aria-posinset"), first.getAttribute("aria-setsize")],
    ["4920px", "493", "1000"],
  );
});

test("what the reader has scrolled to stays, whatever comes in above or leaves from between", () => {
  const { items, show, scrollTo, top } = list(1000);
  scrollTo(5000);
  assert.equal(top(), "row 500");
  show(["new", "newer", ...items]);
  assert.equal(top(), "row 500");
  const { 505: moved } = items;
  show([moved, "new", "newer", ...items.filter((item) => item !== moved)]);
  assert.equal(top(), "row 500");
  show(["row 500", moved, "new", "newer", ...items.filter((item) => item !== moved && item !== "row 500")]);
  assert.equal(top(), "row 499", "the one before it takes the place of one that has gone to the top by itself");
});

test("at the top one sees what comes in there; and another list begins where it is told to", () => {
  const { items, rows, scroller, show, scrollTo, top } = list(1000);
  show(["new", ...items]);
  assert.equal(top(), "new");
  scrollTo(5000);
  show(items.slice(400, 900), { live: false });
  assert.equal(scroller.scrollTop, 5000);
  rows.top = 0;
  assert.equal(top(), "row 400");
});

test("a row that is looked for is brought into view, and drawn", () => {
  const { rows, scroller, drawn } = list(1000);
  assert.equal(rows.reveal(700)?.textContent, "row 700");
  assert.equal(scroller.scrollTop, 6910);
  rows.reveal(695);
  assert.equal(scroller.scrollTop, 6910, "it was in view");
  rows.reveal(0);
  assert.equal(drawn()[0], "row 0");
});
