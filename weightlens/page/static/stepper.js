// The forward pass told step by step, a sentence at each.

import { make } from "./dom.js";

export class Stepper {
  constructor(state, middle) {
    Object.assign(this, { state, middle });
    this.steps = state.network.blocks.filter(({ kind, occurrence }) => kind === "input" || (kind === "step" && !occurrence));
    this.at = -1;
    this.told = make(
      "p",
      { class: "told", role: "status" },
      "Follow the numbers through the network: press ▶ or the right arrow key.",
    );
    const button = (text, by, label) => make("button", { type: "button", "aria-label": label, onclick: () => this.go(by) }, text);
    this.element = make("div", { class: "stepper" }, button("◀", -1, "step before"), button("▶", 1, "next step"), this.told);
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.target.closest("input, select, [role=grid], .graph")) return;
    event.preventDefault();
    this.go(by);
  }

  go(by) {
    this.at = Math.min(this.steps.length - 1, Math.max(0, this.at + by));
    const block = this.steps[this.at];
    if (!block) return; // nothing but matrices
    const layer = this.state.network.head.layers[block.layer];
    const where = block.kind === "input" ? block.name : `${layer.path}, ${block.name}`;
    const said = block.kind === "input" ? ["The numbers that go in."] : [block.explained, block.words && `${block.words}.`];
    this.told.replaceChildren(
      make("b", {}, `${this.at + 1} of ${this.steps.length}: ${where}. `),
      said.filter(Boolean).join(" "),
    );
    this.middle.reveal(block);
  }
}
