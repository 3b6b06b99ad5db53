// The network on the page: its blocks by name, their numbers, and what was changed.

import { Machine, same } from "./machine.js";

/** How far one step along each axis of a block is in memory. */
function strides({ shape, rows, columns }) {
  const found = new Array(shape.length);
  let step = 1;
  for (const axis of [...rows, ...columns].reverse()) {
    found[axis] = step;
    step *= shape[axis];
  }
  return found;
}

export class Network {
  constructor(head) {
    this.head = head;
    this.blocks = head.blocks;
    this.byName = new Map();
    for (const [k, block] of this.blocks.entries()) {
      block.number = k;
      block.size = block.shape.reduce((a, b) => a * b, 1);
      block.strides = strides(block);
      block.changeable = block.kind === "input" || block.kind === "weight";
      this.byName.set(block.id, block);
    }
    this.inputs = this.blocks.filter(({ kind }) => kind === "input");
    this.outputs = head.outputs.map(({ block }) => this.blocks[block]);
    this.machine = new Machine(head, (machine) => this.fill(machine));
    this.memory = this.machine.memory;
    this.file = this.memory.slice(); // every number as the file has it
    this.fileTexts = new Map(this.machine.texts);
    this.changes = new Map(); // of what was changed, place -> value
  }

  fill({ memory, texts }) {
    for (const { start, data, texts: words } of this.blocks) {
      if (data) memory.set(data.values, start);
      words?.forEach((word, i) => texts.set(start + i, word));
    }
  }

  block(name) {
    const found = this.byName.get(name);
    if (!found) throw new RangeError(`there is nothing called ${name}; names are such as ${this.blocks[0].id}`);
    return found;
  }

  /** Where the element with a flat index (in the order of the array) is in memory. */
  place(block, flat) {
    let place = block.start;
    for (let axis = block.shape.length - 1; axis >= 0; axis--) {
      const n = block.shape[axis];
      place += (flat % n) * block.strides[axis];
      flat = Math.floor(flat / n);
    }
    return place;
  }

  /** The index along each axis of what is at a place in memory. */
  index(block, place) {
    const found = [];
    let left = place - block.start;
    for (const axis of [...block.rows, ...block.columns]) {
      found[axis] = Math.floor(left / block.strides[axis]);
      left -= found[axis] * block.strides[axis];
    }
    return found;
  }

  /** The flat index of what is at a place. */
  flat(block, place) {
    return this.index(block, place).reduce((flat, at, axis) => flat * block.shape[axis] + at, 0);
  }

  /** The place of the number that an activation function was called with for the number at a place. */
  argument(block, place) {
    const [list, first] = block.argument;
    return first + this.machine.list(list)[this.flat(block, place)];
  }

  /** The block that a place belongs to. */
  at(place) {
    let [low, high] = [0, this.blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle].start <= place) low = middle;
      else high = middle - 1;
    }
    return this.blocks[low];
  }

  value(place, block = this.at(place)) {
    return block.text ? this.machine.texts.get(place) : this.memory[place];
  }

  /** The numbers of a block, in the order of the array. */
  numbers(block) {
    return Array.from({ length: block.size }, (_, flat) => this.value(this.place(block, flat), block));
  }

  /** Blocks that hold the same numbers of the file: the kernel of a layer that is called twice. */
  twins(block) {
    if (block.kind !== "weight") return [block];
    return this.blocks.filter(
      (other) => other === block || (other.path === block.path && other.kind === "weight" && other.name === block.name),
    );
  }

  /** Puts values at places, [[place, value]...], and computes what depends on them; returns the blocks that have changed. */
  put(pairs) {
    const changed = new Set();
    for (const [place, value] of pairs) {
      const block = this.at(place);
      for (const twin of this.twins(block)) {
        this.store(twin, place - block.start + twin.start, value);
        changed.add(twin.number);
      }
    }
    return this.machine.run(changed);
  }

  store(block, place, value) {
    const [kept, old] = block.text ? [this.machine.texts, this.fileTexts.get(place)] : [this.memory, this.file[place]];
    if (block.text) kept.set(place, value);
    else kept[place] = value;
    if (same(value, old)) this.changes.delete(place);
    else this.changes.set(place, value);
  }

  /** Whether a number is another one than in the file. */
  isChanged(place) {
    return this.changes.size > 0 && (this.changes.has(place) || !same(this.memory[place], this.file[place]));
  }

  /** The layers of which a number is another one than in the file. */
  changed() {
    const found = new Set();
    if (!this.changes.size) return found;
    for (const { layer, start, size } of this.blocks) {
      if (found.has(layer)) continue;
      for (let i = start; i < start + size; i++) {
        if (!same(this.memory[i], this.file[i])) {
          found.add(layer);
          break;
        }
      }
    }
    return found;
  }

  /** The blocks of other layers that a layer reads. */
  sources(layer) {
    const read = new Set(this.blocks.filter((block) => block.layer === layer).flatMap((block) => block.reads));
    return [...read]
      .sort((a, b) => a - b)
      .map((k) => this.blocks[k])
      .filter((block) => block.layer !== layer);
  }

  /** What the file has at a place. */
  original(place) {
    return this.at(place).text ? this.fileTexts.get(place) : this.file[place];
  }

  /** The worst difference of the computed cells from the numbers at export, relative to their size, or to 1 where they are smaller. */
  check() {
    const { every, values } = this.head.check;
    let worst = 0;
    let n = 0;
    for (const block of this.blocks) {
      if (!block.parts.length || block.text) continue;
      for (let first = 0; first < block.size; first += every, n++) {
        let sum = 0;
        let size = 1;
        for (let i = 0; i < every && first + i < block.size; i++) {
          const value = this.memory[block.start + first + i];
          sum += every > 1 ? (i + 1) * value : value;
          size = Math.max(size, Math.abs(value));
        }
        if (Number.isFinite(values[n]))
          worst = Math.max(worst, difference(sum, values[n], every > 1 ? size : Math.max(1, Math.abs(values[n]))));
      }
    }
    return worst;
  }
}

/** A difference relative to a size; infinite where a number is none. */
function difference(found, expected, size) {
  return Number.isFinite(found) ? Math.abs(found - expected) / size : Infinity;
}
