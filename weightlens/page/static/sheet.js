// One block on the page: its caption, and its cells on a canvas, of which only those in view are drawn.

import { colours, css, heat, mix } from "./colours.js";
import { atNextFrame, make, sharp } from "./dom.js";
import { Hand } from "./hand.js";
import { drawLabels, OUTER, rowText } from "./labels.js";
import { brief, full, placeWords, shapeWords, soMany } from "./words.js";

const GAP = 6; // pixels between groups of columns
const NUMBERS = { width: 58, height: 24 };
const FEW_COLUMNS = 64; // of numbers; wider blocks begin as colours

export class Sheet {
  constructor(state, grid) {
    Object.assign(this, { state, grid, block: grid.block, network: state.network });
    this.kind = this.look();
    this.asHeat = !this.block.text && (this.block.shape.length >= 4 || grid.folded > 0 || grid.width > FEW_COLUMNS);
    this.marked = new Set();
    this.redraw = atNextFrame(() => this.draw());
    this.hand = new Hand(this);
    this.element = this.build();
    new ResizeObserver(this.redraw).observe(this.view);
    new IntersectionObserver(this.redraw).observe(this.view);
  }

  look() {
    if (this.block.kind !== "step") return this.block.kind;
    return this.network.outputs.includes(this.block) ? "output" : "step";
  }

  build() {
    const { block } = this;
    this.active = make("div", { role: "gridcell", id: `cell-${block.number}`, class: "unseen" });
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.room = make("div", { class: "room" });
    this.view = make(
      "div",
      {
        class: "view",
        tabIndex: 0,
        role: "grid",
        "aria-label": `${block.name}, ${shapeWords(block.shape)}`,
        "aria-rowcount": String(this.grid.height),
        "aria-colcount": String(this.grid.width),
        "aria-activedescendant": this.active.id,
        onscroll: this.redraw,
        onblur: this.redraw,
        ...this.hand.listeners,
      },
      this.room,
      this.canvas,
      make("div", { role: "row", class: "unseen" }, this.active),
    );
    return make(
      "section",
      { class: `block ${this.kind}`, "data-block": block.id },
      make(
        "h3",
        {},
        `${block.name} `,
        this.kind !== "step" && make("span", { class: `chip ${this.kind}` }, this.kind),
        " ",
        this.from(),
      ),
      block.short && block.layer === this.state.layer && make("p", { class: "math" }, block.short),
      make("p", { class: "shape" }, this.axesWords()),
      block.explained && block.layer === this.state.layer && make("p", { class: "explained" }, block.explained),
      this.tools(),
      this.view,
    );
  }

  /** Of a block that the layer reads: where it comes from. */
  from() {
    const { layer } = this.block;
    if (layer === this.state.layer) return null;
    const { path } = this.network.head.layers[layer];
    return make("button", { type: "button", class: "from", onclick: () => this.state.look(layer) }, `from ${path}`);
  }

  axesWords() {
    const { block } = this;
    const words = block.axes
      .map((axis, d) => soMany(block.shape[d], axis.map((factor) => factor.name).join(" × ") || "place"))
      .join(", ");
    const times = this.grid.blocks.length > 1 ? `${this.grid.blocks.length} times ` : "";
    return `${times}${shapeWords(block.shape)}${words ? ` (${words})` : ""}`;
  }

  tools() {
    if (this.block.text) return null;
    const switched = make(
      "button",
      {
        type: "button",
        onclick: () => {
          this.asHeat = !this.asHeat;
          switched.textContent = this.asHeat ? "numbers" : "colours";
          if (this.painting) this.painting.hidden = !this.asHeat;
          this.resize();
        },
      },
      this.asHeat ? "numbers" : "colours",
    );
    if (this.block.kind !== "input") return make("div", { class: "tools" }, switched);
    this.brush = make("input", { type: "number", value: this.most() || 1, step: "any", "aria-label": "number to paint with" });
    this.paint = make("input", { type: "checkbox" });
    this.painting = make("span", { hidden: !this.asHeat }, make("label", {}, this.paint, " paint with "), this.brush);
    return make("div", { class: "tools" }, switched, this.painting);
  }

  /** The largest number in size, for the scale of colours. */
  most() {
    let found = 0;
    const { memory } = this.network;
    for (const { start, size } of this.grid.blocks) {
      for (let i = start; i < start + size; i++) {
        const value = Math.abs(memory[i]);
        if (value > found && value < Infinity) found = value;
      }
    }
    return found;
  }

  /** Widths and heights after a change between numbers and colours. */
  resize() {
    const { grid, block } = this;
    const small = Math.max(
      5,
      Math.min(24, Math.floor(220 / Math.max(1, block.shape.length >= 4 ? block.shape[1] : grid.folded || 16))),
    );
    this.cell = this.asHeat ? { width: small, height: small } : { ...NUMBERS, width: block.text ? 220 : NUMBERS.width };
    const labels = Array.from({ length: Math.min(grid.height, 40) }, (_, row) => rowText(this, row).length);
    this.left = Math.min(150, Math.ceil(Math.max(0, ...labels) * 6.4) + 8);
    this.top = this.grid.block.columns.length && !grid.folded ? 20 : 4;
    if (grid.layered && !this.asHeat) this.top += OUTER;
    this.most_ = this.most();
    this.room.dataset.left = this.left;
    this.room.style.width = `${this.left + this.x(grid.width - 1) + this.cell.width + 2}px`;
    const high = this.top + this.y(grid.height - 1) + this.cell.height + 2;
    this.room.style.height = `${high}px`;
    this.view.style.height = `${Math.min(high + 12, 420)}px`;
    this.redraw();
  }

  x(column) {
    return edge(column, this.grid.group, this.cell.width);
  }

  y(row) {
    return edge(row, this.grid.rowGroup, this.cell.height);
  }

  columnAt(x) {
    return numberAt(x, this.grid.group, this.cell.width);
  }

  rowAt(y) {
    return numberAt(y, this.grid.rowGroup, this.cell.height);
  }

  /** Row and column under the pointer; null beside the cells. */
  under(event) {
    const box = this.view.getBoundingClientRect();
    const row = this.rowAt(event.clientY - box.top - this.top + this.view.scrollTop);
    const column = this.columnAt(event.clientX - box.left - this.left + this.view.scrollLeft);
    return row >= 0 && row < this.grid.height && column >= 0 && column < this.grid.width ? [row, column] : null;
  }

  draw() {
    const { view } = this;
    if (!view.isConnected || !view.clientWidth) return;
    this.drawPart(this.canvas, {
      left: view.scrollLeft,
      top: view.scrollTop,
      wide: view.clientWidth,
      high: view.clientHeight,
    });
  }

  /** Draws the cells of a part, from so many pixels on, as wide and high as it is. */
  drawPart(canvas, part) {
    const { grid } = this;
    const { left, top, wide, high } = part;
    const context = sharp(canvas, wide, high);
    const palette = colours();
    const [rows, columns] = [
      [this.rowAt(top), this.rowAt(top + high) + 1],
      [Math.max(0, this.columnAt(left)), this.columnAt(left + wide) + 1],
    ];
    this.part = part;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.save();
    context.beginPath();
    context.rect(this.left, this.top, wide - this.left, high - this.top);
    context.clip();
    for (let row = rows[0]; row < Math.min(grid.height, rows[1]); row++) {
      for (let column = columns[0]; column < Math.min(grid.width, columns[1]); column++)
        this.drawCell(context, palette, row, column);
    }
    this.drawFrames(context, palette);
    context.restore();
    drawLabels(this, context, palette, rows, columns);
    this.part = null;
  }

  corner(row, column) {
    const { left, top } = this.part ?? { left: this.view.scrollLeft, top: this.view.scrollTop };
    return [this.left + this.x(column) - left, this.top + this.y(row) - top];
  }

  drawCell(context, palette, row, column) {
    const place = this.grid.place(row, column);
    const value = this.network.value(place, this.grid.blockAt(row));
    const [x, y] = this.corner(row, column);
    const { width, height } = this.cell;
    const changed = this.network.isChanged(place);
    const own = palette[this.kind] ?? palette.paper;
    const fill = this.asHeat || this.kind === "step" ? heat(value, this.most_, palette, this.kind) : own;
    context.globalAlpha = this.state.onlyChanges && !changed ? 0.18 : 1;
    context.fillStyle = css(this.block.text ? own : this.asHeat ? fill : mix(own, fill, 0.55));
    context.fillRect(x, y, width - (this.asHeat && width < 8 ? 0 : 1), height - (this.asHeat && height < 8 ? 0 : 1));
    if (!this.asHeat) {
      context.fillStyle = css(this.block.function === "relu" && value === 0 ? palette.grey : palette.ink);
      context.textAlign = "center";
      context.fillText(brief(value), x + width / 2, y + height / 2, width - 4);
    }
    if (changed) {
      context.fillStyle = css(palette.mark);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(x + 7, y);
      context.lineTo(x, y + 7);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  /** The number that is looked at, and those that it is made of. */
  drawFrames(context, palette) {
    const frame = (place, colour, thick) => {
      const found = this.grid.find(place);
      if (!found) return;
      const [x, y] = this.corner(...found);
      context.strokeStyle = css(colour);
      context.lineWidth = thick;
      context.strokeRect(x + 0.5, y + 0.5, this.cell.width - 2, this.cell.height - 2);
    };
    for (const place of this.marked) frame(place, palette.mark, 2);
    if (this.state.selected !== null) frame(this.state.selected, palette.accent, 3);
    if (this.state.pointed !== null) frame(this.state.pointed, palette.ink, 1.5);
  }

  /** Shows what is another way now; `marked` are the places that the explained number is made of. */
  update(what, marked) {
    this.marked = marked;
    if (what === "numbers" && !this.block.text) this.most_ = this.most();
    const found = this.state.selected === null ? null : this.grid.find(this.state.selected);
    if (found) {
      const block = this.grid.blockAt(found[0]);
      const words = placeWords(block, this.network.index(block, this.state.selected), this.network.head);
      this.active.textContent = `${words}: ${full(this.network.value(this.state.selected, block))}`;
    }
    this.redraw();
  }
}

/** Where the k-th row or column begins, with gaps between groups of them. */
function edge(k, group, size) {
  return k * size + (group ? Math.floor(k / group) * GAP : 0);
}

/** Which row or column is there. */
function numberAt(at, group, size) {
  if (!group) return Math.floor(at / size);
  const wide = group * size + GAP;
  const k = Math.floor(at / wide);
  return k * group + Math.min(group - 1, Math.floor((at - k * wide) / size));
}
