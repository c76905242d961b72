// A small curve without axes: the shape of the last minutes. What it shows is told in words as well.

import { setAttribute, svg } from "../shared/dom.js";

const WIDTH = 240;
const HEIGHT = 36;

export class Spark {
  element;
  #area = svg("path", { class: "area" });
  #line = svg("path", { class: "line" });

  constructor() {
    this.element = svg("svg", { class: "spark", role: "img", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" },
      this.#area, this.#line);
  }

  /** `words` say the same to whoever doesn't see it. */
  draw({ counts }, words) {
    const highest = Math.max(1, ...counts);
    const step = WIDTH / (counts.length - 1);
    const points = counts.map((count, i) => `${(i * step).toFixed(1)},${(HEIGHT - 2 - (count / highest) * (HEIGHT - 5)).toFixed(1)}`);
    setAttribute(this.#line, "d", `M${points.join("L")}`);
    setAttribute(this.#area, "d", `M0,${HEIGHT}L${points.join("L")}L${WIDTH},${HEIGHT}Z`);
    setAttribute(this.element, "aria-label", words);
  }
}
