// How a block, or several of one name (the time steps of a recurrent layer), lies as rows and columns.

import { along, factorsAlong } from "./words.js";

const PICTURE = 7; // a flat input of 7 x 7 numbers or more may be a picture

/** Rows and columns of blocks of one name under each other; `place(row, column)` is where a cell is in memory. */
export class Grid {
  constructor(blocks, head) {
    const [block] = blocks;
    this.blocks = blocks;
    this.block = block;
    this.head = head;
    const count = (axes) => axes.reduce((n, axis) => n * block.shape[axis], 1);
    this.width = count(block.columns);
    this.each = count(block.rows);
    this.group = grouped(block, block.columns, this.width); // columns of one picture or channel, and rows of one
    this.rowGroup = grouped(block, block.rows, this.each);
    this.height = this.each * blocks.length;
    this.folded = fold(block);
    if (this.folded) {
      this.height = (this.each * this.width) / this.folded;
      this.width = this.rowGroup = this.folded;
    }
  }

  place(row, column) {
    const at = Math.floor(row / this.each);
    if (this.folded) return this.block.start + row * this.width + column;
    return this.blocks[at].start + (row - at * this.each) * this.width + column;
  }

  /** Row and column of a place; null where it is not here. */
  find(place) {
    for (const [at, block] of this.blocks.entries()) {
      const left = place - block.start;
      if (left >= 0 && left < block.size) return [at * this.each + Math.floor(left / this.width), left % this.width];
    }
    return null;
  }

  blockAt(row) {
    return this.folded ? this.block : this.blocks[Math.floor(row / this.each)];
  }

  /** Along each of these axes the place of the k-th row or column. */
  split(axes, k) {
    const found = [];
    for (const axis of [...axes].reverse()) {
      const n = this.block.shape[axis];
      found.unshift([axis, k % n]);
      k = Math.floor(k / n);
    }
    return found.filter(([axis]) => axes.length === 1 || this.block.shape[axis] > 1);
  }

  label(axes, k, named) {
    const parts = this.split(axes, k);
    const shown = parts.length > 1 && named ? parts : parts.slice(-1);
    return shown.map(([axis, i]) => along(this.block, axis, i, this.head)).join(", ");
  }

  rowLabel(row) {
    if (this.folded) return row % this.folded ? "" : `sample ${row / this.folded}`;
    const inside = this.block.rows.length ? this.label(this.block.rows, row % this.each, true) : "";
    if (this.blocks.length === 1) return inside;
    return this.each > 1 ? `t=${Math.floor(row / this.each)}, ${inside}` : `t=${row}`;
  }

  columnLabel(column) {
    if (this.folded || !this.block.columns.length) return "";
    if (this.block.role === "helper" && this.width === 1) return `per ${onlySamples(this.block.axes[0]) ? "sample" : "row"}`;
    return this.label(this.block.columns, column, false);
  }

  /** Whether each column has two names, one over the other: a gate, and the unit in it. */
  get layered() {
    return !this.folded && this.block.columns.length === 1 && this.block.axes[this.block.columns[0]].length > 1;
  }

  /** The two names of a column. */
  names(column) {
    const found = factorsAlong(this.block, this.block.columns[0], column, this.head);
    return { outer: found.slice(0, -1).join(", "), inner: found.at(-1) };
  }

  /** What the columns from here on share, where a group of them begins. */
  groupLabel(column) {
    if (!this.group || column % this.group) return "";
    return along(this.block, this.block.columns[0], column / this.group, this.head);
  }

  /** The same of rows. */
  rowGroupLabel(row) {
    if (this.folded) return this.rowLabel(row);
    if (row % this.rowGroup) return "";
    return along(this.block, this.block.rows[0], (row % this.each) / this.rowGroup, this.head);
  }
}

/** Whether an axis is samples and nothing else. */
const onlySamples = (factors) => factors.length === 1 && factors[0].name === "sample";

/** How many rows or columns there are for each place of the outermost of several axes; 0 where there are no such groups. */
function grouped(block, axes, count) {
  const each = axes.length > 1 ? count / block.shape[axes[0]] : 0;
  return each > 1 && each < count ? each : 0;
}

/** The side of the square picture that each sample of a flat input may be; 0 where it is none. */
function fold(block) {
  if (block.kind !== "input" || block.text || block.shape.length !== 2 || block.rows[0] !== 0) return 0;
  const side = Math.round(Math.sqrt(block.shape[1]));
  return side >= PICTURE && side * side === block.shape[1] ? side : 0;
}
