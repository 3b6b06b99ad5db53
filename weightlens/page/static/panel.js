// On the right: the number that is looked at, taken apart.

import { draw, make } from "./dom.js";
import { plot } from "./curve.js";
import { stepOf } from "./hand.js";
import { cellName, full, placeWords, thousands } from "./words.js";

const MOST_TERMS = 300;
const MOST_PIECES = 40; // of a formula that is written out
const SLIDERS = 4;

export class Panel {
  constructor(state, explainer) {
    Object.assign(this, { state, explainer, network: state.network });
    this.element = make("section", { class: "panel", "aria-label": "the number that is looked at" });
  }

  update() {
    const place = this.state.shown;
    if (place === null) {
      this.element.replaceChildren(
        make(
          "p",
          { class: "hint" },
          "Point at a number, or click it: here it is taken apart. Change any input (blue) or weight (yellow): type, or press Alt and an arrow key.",
        ),
      );
      return;
    }
    const block = this.network.at(place);
    const words = placeWords(block, this.network.index(block, place), this.network.head);
    const value = this.network.value(place, block);
    const before = this.network.original(place);
    this.element.replaceChildren(
      make("h2", {}, block.name, " ", make("span", { class: "where" }, words)),
      make(
        "p",
        { class: "value" },
        make("output", { title: String(value) }, full(value)),
        this.network.isChanged(place) && make("span", { class: "before" }, ` in the file ${full(before)}`),
      ),
      block.changeable ? this.editor(place, block) : this.made(place),
    );
  }

  // -- inputs and weights ----------------------------------------------------------------------------------------------------

  editor(place, block) {
    if (block.text) return make("p", { class: "hint" }, "A text. Double-click it to write another one.");
    const { state } = this;
    const value = this.network.value(place);
    const most = Math.max(1, Math.abs(value));
    const field = make("input", {
      type: "number",
      step: "any",
      value,
      "aria-label": "this number",
      onchange: () => {
        if (field.value !== "" && Number.isFinite(Number(field.value))) state.change([[place, Number(field.value)]]);
      },
    });
    const handle = make(
      "span",
      {
        class: "drag",
        title: "drag sideways to change it",
        "aria-hidden": "true",
        onpointerdown: (event) => this.drag(event, place, most),
      },
      "⇔ drag",
    );
    const slide =
      block.kind === "input" &&
      state.sliders.length < SLIDERS &&
      !state.sliders.includes(place) &&
      make(
        "button",
        {
          type: "button",
          onclick: () => {
            state.sliders.push(place);
            state.tell("look");
          },
        },
        "add a slider",
      );
    const back =
      this.network.changes.has(place) &&
      make("button", { type: "button", onclick: () => state.change([[place, this.network.original(place)]]) }, "as in the file");
    return make("div", { class: "editor" }, field, handle, slide, back);
  }

  /** Changes a number while the pointer moves sideways. */
  drag(event, place, most) {
    event.preventDefault();
    const [start, from] = [event.clientX, this.network.value(place)];
    let joined = false;
    const move = ({ clientX }) => {
      this.state.change([[place, Number((from + (clientX - start) * stepOf(most)).toPrecision(12))]], joined);
      joined = true;
    };
    const stop = () => {
      globalThis.removeEventListener("pointermove", move);
      globalThis.removeEventListener("pointerup", stop);
    };
    globalThis.addEventListener("pointermove", move);
    globalThis.addEventListener("pointerup", stop);
  }

  // -- computed numbers ------------------------------------------------------------------------------------------------------

  made(place) {
    const story = this.explainer
      .story(place)
      .map((at) => this.explainer.formula(at))
      .filter(Boolean);
    if (!story.length) return make("p", { class: "hint" }, "A number that the layer brings with it.");
    return make(
      "div",
      {},
      this.curve(place),
      story.map((formula, k) => this.chapter(formula, k)),
    );
  }

  /** One formula: in words, in cells, and the terms of its sum. */
  chapter(formula, k) {
    const { block } = formula;
    const terms = this.explainer.terms(formula);
    return make(
      "section",
      { class: "chapter" },
      k > 0 &&
        make(
          "h3",
          {},
          block.name,
          " = ",
          make("b", {}, full(this.network.value(formula.part.at[1] + formula.part.own[formula.i]))),
        ),
      block.words && make("p", { class: "math" }, block.words),
      make("p", { class: "cells" }, "= ", this.formulaText(formula)),
      terms && this.sum(terms),
    );
  }

  formulaText(formula) {
    const pieces = this.network.head.patterns[formula.part.pattern];
    let hole = 0;
    const shown = pieces
      .slice(0, MOST_PIECES)
      .map((piece) => (typeof piece === "string" ? piece : this.reference(piece, formula.at[hole++], formula.block)));
    return [...shown, pieces.length > MOST_PIECES ? " …" : ""];
  }

  /** A cell or an area in a formula, to be clicked. */
  reference([height, width, stride], place, reader) {
    const block = this.network.at(place);
    const own = block.layer === reader.layer || block.kind === "input";
    const other = block.of && !(own && block.occurrence === reader.occurrence); // a number of another time step
    const called = `${own ? "" : `${this.network.head.layers[block.layer].path}/`}${block.name}${other ? ` t=${block.occurrence}` : ""}`;
    const [first, last] = [place, place + (height - 1) * stride + width - 1].map((at) => this.network.index(block, at));
    const name =
      height * width > 1
        ? `${called}[${first.map((at, d) => (at === last[d] ? at : `${at}…${last[d]}`)).join(", ")}]`
        : cellName(called, first);
    return make(
      "button",
      {
        type: "button",
        class: `reference ${block.kind}`,
        title: String(this.network.value(place, block)),
        onclick: () => this.state.select(place),
      },
      name,
    );
  }

  /** The terms by size, with bars and the sum so far. */
  sum({ list, then }) {
    const sorted = [...list].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const most = Math.abs(sorted[0].value) || 1;
    let running = 0;
    const rows = sorted.slice(0, MOST_TERMS).map((term) => {
      running += term.value;
      return make(
        "tr",
        {},
        make("td", {}, this.factors(term)),
        make("td", { class: "number" }, full(term.value, 5)),
        make("td", { "aria-hidden": "true" }, this.bar(term.value, most)),
        make("td", { class: "number grey" }, full(running, 5)),
      );
    });
    const more =
      sorted.length > MOST_TERMS && make("p", { class: "hint" }, `and ${thousands(sorted.length - MOST_TERMS)} smaller terms`);
    return make(
      "div",
      {},
      make(
        "p",
        { class: "hint" },
        `${thousands(sorted.length)} terms, the largest first${then && `; the sum${then} is the number`}`,
      ),
      make(
        "div",
        { class: "terms" },
        make(
          "table",
          {},
          make(
            "thead",
            {},
            make(
              "tr",
              {},
              ["term", "value", "", "sum so far"].map((text) => make("th", { scope: "col" }, text)),
            ),
          ),
          make("tbody", {}, rows),
        ),
      ),
      more,
    );
  }

  factors({ factors }) {
    return factors.flatMap((factor, k) => [k ? " × " : "", this.factor(factor)]);
  }

  /** A cell to be clicked; a number that stands in the formula; what is longer is left out. */
  factor(place) {
    if (typeof place !== "number") return place.kind === "number" ? full(place.value) : "…";
    const block = this.network.at(place);
    const index = this.network.index(block, place);
    return make(
      "button",
      {
        type: "button",
        class: `reference ${block.kind}`,
        title: `${cellName(block.id, index)}: ${placeWords(block, index, this.network.head)}`,
        onclick: () => this.state.select(place),
      },
      full(this.network.value(place, block), 5),
    );
  }

  bar(value, most) {
    const share = Number.isFinite(value) ? (Math.abs(value) / most) * 16 : 0;
    return draw(
      "svg",
      { width: 34, height: 10, class: "bar" },
      draw("line", { x1: 17, x2: 17, y1: 0, y2: 10 }),
      draw("rect", { class: value < 0 ? "negative" : "positive", x: value < 0 ? 17 - share : 17, y: 1, width: share, height: 8 }),
    );
  }

  /** The activation function as a curve, with the point where this number is. */
  curve(place) {
    const block = this.network.at(place);
    if (!block.argument) return null;
    const variable = this.network.argument(block, place);
    const at = this.network.memory[variable];
    const reach = Math.max(8, Math.abs(at) * 1.3);
    const xs = Array.from({ length: 81 }, (_, k) => (k / 40 - 1) * reach);
    const points = Number.isFinite(at) && this.explainer.curve(place, variable, xs);
    return (
      points &&
      plot(
        points,
        [at, this.network.memory[place]],
        `${block.function.replace(/ with .*/, "")}(${full(at)}) = ${full(this.network.memory[place])}`,
      )
    );
  }
}
