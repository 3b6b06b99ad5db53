// In the middle: the blocks of one layer, in the order in which they are computed, and under them the maps.

import { make } from "./dom.js";
import { Grid } from "./grid.js";
import { fromPaper, toPaper } from "./paper.js";
import { Sheet } from "./sheet.js";

export class Middle {
  constructor(state, maps) {
    Object.assign(this, { state, maps, network: state.network });
    this.sheets = [];
    this.element = make("main", { tabIndex: -1 });
    globalThis.addEventListener("beforeprint", () => this.sheets.forEach(toPaper));
    globalThis.addEventListener("afterprint", () => this.sheets.forEach(fromPaper));
  }

  /** What the layer reads, and its own blocks; those of one name and shape make one table. */
  panels(layer) {
    const found = new Map();
    const own = this.network.blocks.filter((block) => block.layer === layer);
    for (const block of [...this.network.sources(layer), ...own]) {
      const key = block.kind === "weight" || !block.of ? block.id : `${block.layer} ${block.name} ${block.shape}`;
      found.set(key, [...(found.get(key) ?? []), block]);
    }
    return [...found.values()];
  }

  build() {
    const layer = this.network.head.layers[this.state.layer];
    this.sheets = this.panels(this.state.layer).map((blocks) => new Sheet(this.state, new Grid(blocks, this.network.head)));
    this.element.replaceChildren(
      ...[
        make("h2", {}, `${layer.path} `, layer.call && make("span", { class: "call" }, layer.call)),
        layer.sentence && make("p", { class: "sentence" }, layer.sentence),
        ...this.sheets.map((sheet) => sheet.element),
        this.maps?.element,
      ].filter(Boolean),
    );
    this.element.scrollTop = 0;
    if (this.element.getBoundingClientRect().top < 0) this.element.scrollIntoView(); // on a phone the whole page is scrolled
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
