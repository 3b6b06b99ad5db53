// In the middle: the blocks of one layer, in the order in which they are computed, and under them the maps.

import { make } from "./dom.js";
import { Grid } from "./grid.js";
import { Sheet } from "./sheet.js";

export class Middle {
  constructor(state, maps) {
    Object.assign(this, { state, maps, network: state.network });
    this.sheets = [];
    this.element = make("main", { tabIndex: -1 });
  }

  /** Blocks of one name and shape make one table. */
  panels(layer) {
    const found = new Map();
    for (const block of this.network.blocks) {
      if (block.layer !== layer) continue;
      const key = block.kind === "weight" || !block.of ? block.id : `${block.name} ${block.shape}`;
      found.set(key, [...(found.get(key) ?? []), block]);
    }
    return [...found.values()];
  }

  build() {
    const layer = this.network.head.layers[this.state.layer];
    const reads = layer.reads.map((k) =>
      make("button", { type: "button", onclick: () => this.state.look(k) }, this.network.head.layers[k].path),
    );
    this.sheets = this.panels(this.state.layer).map((blocks) => new Sheet(this.state, new Grid(blocks, this.network.head)));
    this.element.replaceChildren(
      ...[
        make("h2", {}, layer.path, layer.call && make("span", { class: "call" }, layer.call)),
        layer.sentence && make("p", { class: "sentence" }, layer.sentence),
        reads.length > 0 && make("p", { class: "reads" }, "It reads ", ...reads),
        ...this.sheets.map((sheet) => sheet.element),
        this.maps?.element,
      ].filter(Boolean),
    );
    this.element.scrollTop = 0;
    for (const sheet of this.sheets) sheet.resize();
  }

  update(what, marked) {
    if (what === "layer") this.build();
    for (const sheet of this.sheets) sheet.update(what, marked);
    if (what !== "pointer") this.maps?.redraw();
  }

  /** Brings a block into view and marks it as the step that is told of. */
  reveal(block) {
    this.state.look(block.layer);
    for (const sheet of this.sheets) {
      const here = sheet.grid.blocks.includes(block);
      sheet.element.classList.toggle("told", here);
      if (here) sheet.element.scrollIntoView({ block: "nearest" });
    }
  }
}
