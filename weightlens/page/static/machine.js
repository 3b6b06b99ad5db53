// The machine: one memory of numbers, and blocks that are computed one after the other in the order of the trace.

import { CHUNK, compile } from "./compile.js";
import { parse } from "./formula.js";

/** A list of places again, from runs of runs: [[length, step]..., the innermost first], repeated at each place of the rest. */
export function expanded([levels, rest]) {
  let found = rest.length ? Int32Array.from(rest) : new Int32Array(1);
  for (const [length, step] of [...levels].reverse()) {
    const wider = new Int32Array(found.length * length);
    for (let i = 0, n = 0; i < found.length; i++) {
      for (let j = 0, place = found[i]; j < length; j++, place += step) wider[n++] = place;
    }
    found = wider;
  }
  return found;
}

/** Whether two numbers are the same; NaN is the same as NaN. */
export const same = (a, b) => a === b || (a !== a && b !== b);

export class Machine {
  /** `program` is what the page's data say: {size, blocks, patterns, runs}; `fill` puts the inputs and weights into memory. */
  constructor(program, fill) {
    this.blocks = program.blocks;
    this.memory = new Float64Array(program.size);
    this.texts = new Map();
    this.trees = program.patterns.map(parse);
    this.functions = this.trees.map(() => null); // made when they are first needed
    const lists = program.runs.map(() => null);
    this.list = (k) => (lists[k] ??= expanded(program.runs[k]));
    for (const block of this.blocks) {
      for (const part of block.parts) {
        part.own = this.list(part.at[0]);
        part.places = part.holes.map(([k]) => this.list(k));
        part.bases = part.holes.map(([, base]) => base);
      }
    }
    fill(this);
    this.run();
  }

  /** Computes everything again; or with a set of blocks that were changed only what depends on them. Returns what has changed. */
  run(changed = null) {
    const done = changed ?? new Set(this.blocks.keys());
    for (const [k, block] of this.blocks.entries()) {
      if (!block.parts.length || (changed && !block.reads.some((other) => done.has(other)))) continue;
      let moved = false;
      for (const part of block.parts) moved = this.compute(part, block.text) || moved;
      if (moved) done.add(k);
    }
    return done;
  }

  /** Computes one part of a block; whether a number is another one now. */
  compute(part, text) {
    const frame = { memory: this.memory, texts: this.texts, places: part.places, bases: part.bases, start: 0, count: 0 };
    const first = part.at[1];
    const make = this.function(part.pattern);
    let moved = false;
    for (let start = 0; start < part.count; start += CHUNK) {
      frame.start = start;
      frame.count = Math.min(CHUNK, part.count - start);
      const made = make(frame);
      if (text) {
        for (let i = 0; i < frame.count; i++) this.texts.set(first + part.own[start + i], made[i]);
        moved = true;
        continue;
      }
      for (let i = 0; i < frame.count; i++) {
        const place = first + part.own[start + i];
        if (!same(this.memory[place], made[i])) {
          this.memory[place] = made[i];
          moved = true;
        }
      }
    }
    return moved;
  }

  function(pattern) {
    return (this.functions[pattern] ??= compile(this.trees[pattern]));
  }
}
