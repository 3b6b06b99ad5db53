// Pointer and keyboard on one block: pointing, choosing, typing, painting.

import { make } from "./dom.js";

const WAYS = {
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  PageDown: [10, 0],
  PageUp: [-10, 0],
};

export class Hand {
  constructor(sheet) {
    Object.assign(this, { sheet, state: sheet.state, network: sheet.network });
    this.field = null; // in which a number is being typed
    this.painting = false;
  }

  /** What the block's view listens to. */
  get listeners() {
    return {
      onfocus: () => this.focused(),
      onkeydown: (event) => this.key(event),
      onpointermove: (event) => this.move(event),
      onpointerleave: () => this.state.point(null),
      onpointerdown: (event) => this.press(event),
      ondblclick: () => this.edit(),
    };
  }

  move(event) {
    const found = this.sheet.under(event);
    this.state.point(found && this.sheet.grid.place(...found));
    if (found && this.painting && event.buttons) this.stroke(found);
  }

  press(event) {
    const found = this.sheet.under(event);
    if (!found) return;
    this.painting = this.sheet.paint?.checked;
    this.state.select(this.sheet.grid.place(...found));
    if (this.painting) {
      this.sheet.view.setPointerCapture(event.pointerId);
      this.stroke(found);
    }
  }

  stroke(found) {
    const value = Number(this.sheet.brush.value);
    const place = this.sheet.grid.place(...found);
    if (Number.isFinite(value) && this.network.value(place) !== value) this.state.change([[place, value]]);
  }

  focused() {
    if (this.state.selected === null || !this.sheet.grid.find(this.state.selected))
      this.state.select(this.sheet.grid.place(0, 0));
    this.sheet.redraw();
  }

  key(event) {
    if (event.target !== this.sheet.view || event.ctrlKey || event.metaKey) return;
    const at = this.sheet.grid.find(this.state.selected ?? -1);
    const step = WAYS[event.key];
    if (step && at) {
      event.preventDefault();
      if (event.altKey && this.sheet.block.changeable) this.nudge(-step[0] || step[1], event.shiftKey);
      else this.go(at[0] + step[0], at[1] + step[1]);
    } else if (event.key === "Enter" || /^[-0-9.]$/.test(event.key)) {
      event.preventDefault();
      this.edit(event.key === "Enter" ? null : event.key);
    }
  }

  go(row, column) {
    const [r, c] = [
      Math.min(this.sheet.grid.height - 1, Math.max(0, row)),
      Math.min(this.sheet.grid.width - 1, Math.max(0, column)),
    ];
    this.state.select(this.sheet.grid.place(r, c));
    this.show(r, c);
  }

  /** Scrolls a cell into view. */
  show(row, column) {
    const { view } = this.sheet;
    const [x, y] = [this.sheet.x(column), this.sheet.y(row)];
    view.scrollLeft = Math.min(x, Math.max(view.scrollLeft, x + this.sheet.cell.width + this.sheet.left - view.clientWidth));
    view.scrollTop = Math.min(y, Math.max(view.scrollTop, y + this.sheet.cell.height + this.sheet.top - view.clientHeight));
    this.sheet.redraw();
  }

  /** One step up or down: a hundredth of the scale of the block, or with shift a tenth. */
  nudge(direction, large) {
    const place = this.state.selected;
    if (this.sheet.block.text) return;
    this.state.change(
      [[place, Number((this.network.value(place) + direction * stepOf(this.sheet.most_) * (large ? 10 : 1)).toPrecision(12))]],
      true,
    );
  }

  /** A field over the cell, to type a number into. */
  edit(typed = null) {
    const place = this.state.selected;
    const found = place === null ? null : this.sheet.grid.find(place);
    if (!this.sheet.block.changeable || !found || this.field) return;
    const [x, y] = this.sheet.corner(...found);
    const old = this.network.value(place);
    const close = (keep) => {
      if (!this.field) return;
      const { field } = this;
      this.field = null; // first: taking it away makes it lose the focus, which closes it as well
      const text = field.value.trim();
      field.remove();
      this.sheet.view.focus({ preventScroll: true });
      const value = this.sheet.block.text ? text : text === "" ? NaN : Number(text.replace(",", "."));
      if (keep && (this.sheet.block.text || Number.isFinite(value)) && value !== old) this.state.change([[place, value]]);
    };
    this.field = make("input", {
      class: "field",
      value: typed ?? String(old),
      inputMode: "decimal",
      "aria-label": `new number for ${this.sheet.active.textContent}`,
      onblur: () => close(true),
      onkeydown: (event) => {
        event.stopPropagation();
        if (event.key === "Enter" || event.key === "Escape") close(event.key === "Enter");
      },
    });
    this.field.style.left = `${x + this.sheet.view.scrollLeft}px`;
    this.field.style.top = `${y + this.sheet.view.scrollTop}px`;
    this.sheet.view.append(this.field);
    this.field.focus();
    if (typed === null) this.field.select();
  }
}

/** A round number of about a hundredth of a scale. */
export function stepOf(most) {
  return 10 ** Math.round(Math.log10((most || 1) / 100));
}
