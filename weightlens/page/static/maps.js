// Of a small network with one or two inputs: what it answers everywhere, and what every unit on the way does.

import { CLASSES, colours, css, heat, mix } from "./colours.js";
import { atNextFrame, make, sharp } from "./dom.js";
import { along, brief } from "./words.js";

const SIDE = 33; // points along each side of a map
const POINTS = 121; // of a curve
const [MOST_CELLS, MOST_UNITS, MOST_OUTPUTS] = [20000, 48, 6];
const [LARGE, SMALL] = [220, 92]; // pixels

/** The maps or curves of a network; null where it has other inputs, or is large. */
export function maps(state) {
  const { network } = state;
  const [x, y] = [network.inputs[0], network.outputs[0]];
  const fits =
    network.inputs.length === 1 &&
    network.outputs.length === 1 &&
    !x.text &&
    x.shape.length === 2 &&
    x.shape[1] < 3 &&
    y.shape.length === 2 &&
    y.shape[1] <= MOST_OUTPUTS &&
    y.shape[0] === x.shape[0] &&
    network.memory.length < MOST_CELLS;
  return fits ? new Maps(state, x, y) : null;
}

class Maps {
  constructor(state, x, y) {
    Object.assign(this, { state, network: state.network, x, y, wide: x.shape[1], rows: x.shape[0] });
    this.count = this.wide === 1 ? POINTS : SIDE * SIDE;
    this.units = this.hidden();
    this.canvas = make("canvas", {
      role: "img",
      "aria-label": this.wide === 1 ? "the output over the input" : "the output over both inputs",
    });
    this.small = this.units.map((unit) => make("canvas", { role: "img", "aria-label": unit.words }));
    if (this.wide === 2) this.canvas.addEventListener("pointerdown", (event) => this.move(event));
    if (this.wide === 2) this.canvas.addEventListener("pointermove", (event) => event.buttons && this.move(event));
    this.key = make("p", { class: "hint" });
    this.element = make(
      "section",
      { class: "maps" },
      make("h2", {}, this.wide === 1 ? "The output over the input" : "The output over both inputs"),
      this.key,
      make("div", { class: "large" }, this.canvas),
      this.units.length > 0 && make("h3", {}, "Every unit on the way"),
      make(
        "div",
        { class: "small" },
        this.units.map((unit, k) => make("figure", {}, this.small[k], make("figcaption", {}, unit.words))),
      ),
    );
    this.redraw = atNextFrame(() => this.draw());
    new IntersectionObserver(this.redraw).observe(this.element);
  }

  /** The units of the layers before the output: of each layer its last step. */
  hidden() {
    const last = new Map();
    for (const block of this.network.blocks)
      if (block.kind === "step" && block.shape.length === 2 && block.shape[0] === this.rows && block !== this.y)
        last.set(block.layer, block);
    last.delete(this.y.layer);
    return [...last.values()]
      .flatMap((block) =>
        Array.from({ length: block.shape[1] }, (_, unit) => ({
          block,
          unit,
          words: `${this.network.head.layers[block.layer].path}, ${along(block, 1, unit, this.network.head)}`,
        })),
      )
      .slice(0, MOST_UNITS);
  }

  /** From where to where: the samples and a bit around them. */
  span(axis) {
    const values = Array.from(
      { length: this.rows },
      (_, row) => this.network.file[this.network.place(this.x, row * this.wide + axis)],
    );
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = Math.max((high - low) * 0.25, high === low ? 1 : 0);
    return [low - margin, high + margin];
  }

  /** The outputs and all units at every point; the inputs stay as they are. */
  sweep() {
    const { network, x, y, rows, wide } = this;
    const kept = network.memory.slice();
    const wanted = [...Array.from({ length: y.shape[1] }, (_, unit) => ({ block: y, unit })), ...this.units];
    const found = wanted.map(() => new Float64Array(this.count));
    const changed = [x.number];
    for (let first = 0; first < this.count; first += rows) {
      for (let row = 0; row < rows; row++) {
        const point = this.point(Math.min(this.count - 1, first + row));
        for (let axis = 0; axis < wide; axis++) network.memory[network.place(x, row * wide + axis)] = point[axis];
      }
      network.machine.run(new Set(changed));
      wanted.forEach(({ block, unit }, k) => {
        for (let row = 0; row < rows && first + row < this.count; row++)
          found[k][first + row] = network.memory[network.place(block, row * block.shape[1] + unit)];
      });
    }
    network.memory.set(kept);
    return found;
  }

  point(k) {
    const [low, high] = this.spans[0];
    if (this.wide === 1) return [low + ((high - low) * k) / (POINTS - 1)];
    const [bottom, top] = this.spans[1];
    return [low + ((high - low) * (k % SIDE)) / (SIDE - 1), bottom + ((top - bottom) * Math.floor(k / SIDE)) / (SIDE - 1)];
  }

  draw() {
    if (!this.element.isConnected) return;
    this.spans = Array.from({ length: this.wide }, (_, axis) => this.span(axis));
    const found = this.sweep();
    const outputs = found.slice(0, this.y.shape[1]);
    const palette = colours();
    if (this.wide === 1) this.lines(this.canvas, 420, LARGE, outputs, palette, true);
    else this.answer(outputs, palette);
    this.units.forEach((_, k) => {
      const values = found[outputs.length + k];
      if (this.wide === 1) this.lines(this.small[k], SMALL, SMALL, [values], palette, false);
      else this.unit(this.small[k], SMALL, values, palette);
    });
  }

  unit(canvas, side, values, palette) {
    const most = Math.max(...values.map(Math.abs));
    this.pixels(canvas, side, (k) => heat(values[k], most, palette, "step"));
  }

  /** The class at every point, stronger where it is surer; of one output its size. */
  answer(outputs, palette) {
    if (outputs.length === 1) {
      const [values] = outputs;
      const { yesOrNo } = this.y;
      const most = Math.max(...values.map(Math.abs));
      this.pixels(this.canvas, LARGE, (k) =>
        yesOrNo
          ? mix(palette.paper, CLASSES[values[k] < 0.5 ? 0 : 1], Math.abs(values[k] - 0.5) * 2)
          : heat(values[k], most, palette, "step"),
      );
      this.key.textContent = yesOrNo
        ? `blue: near 0, orange: near 1. ${this.directions()}`
        : `orange: negative, blue: positive, up to ${brief(most)}. ${this.directions()}`;
    } else {
      const best = (k) => outputs.reduce((found, values, unit) => (values[k] > outputs[found][k] ? unit : found), 0);
      this.pixels(this.canvas, LARGE, (k) =>
        mix(palette.paper, CLASSES[best(k)], Math.min(1, Math.max(0.15, outputs[best(k)][k]))),
      );
      this.key.replaceChildren(
        ...outputs.flatMap((_, unit) => [this.patch(CLASSES[unit]), ` ${along(this.y, 1, unit, this.network.head)} `]),
        make("br"),
        this.directions(),
      );
    }
    this.dots(palette);
  }

  /** Which input is which side of the map, and what can be done with it. */
  directions() {
    const sides = this.spans.map(([low, high], axis) => {
      const name = along(this.x, 1, axis, this.network.head);
      return `${name} ${axis ? "upwards" : "to the right"} from ${brief(low)} to ${brief(high)}`;
    });
    return `${sides.join(", ")}. Drag over it to move the chosen sample.`;
  }

  patch(colour) {
    const patch = make("span", { class: "patch" });
    patch.style.background = css(colour);
    return patch;
  }

  pixels(canvas, side, colour) {
    const context = sharp(canvas, side, side);
    const size = side / SIDE;
    for (let k = 0; k < SIDE * SIDE; k++) {
      context.fillStyle = css(colour(k));
      context.fillRect((k % SIDE) * size, side - (Math.floor(k / SIDE) + 1) * size, size + 0.5, size + 0.5);
    }
  }

  /** Where the samples are. */
  dots(palette) {
    const context = this.canvas.getContext("2d");
    for (let row = 0; row < this.rows; row++) {
      const [a, b] = [0, 1].map((axis) => this.network.memory[this.network.place(this.x, row * 2 + axis)]);
      const [[left, right], [bottom, top]] = this.spans;
      context.beginPath();
      context.arc(
        ((a - left) / (right - left)) * LARGE,
        LARGE - ((b - bottom) / (top - bottom)) * LARGE,
        row === this.state.sample ? 7 : 4,
        0,
        7,
      );
      context.fillStyle = css(palette.paper);
      context.strokeStyle = css(palette.ink);
      context.lineWidth = row === this.state.sample ? 3 : 1.5;
      context.fill();
      context.stroke();
    }
  }

  /** Moves the chosen sample to where the pointer is. */
  move(event) {
    const box = this.canvas.getBoundingClientRect();
    const shares = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    const pairs = shares.map((share, axis) => {
      const [low, high] = this.spans[axis];
      return [
        this.network.place(this.x, Math.min(this.state.sample, this.rows - 1) * 2 + axis),
        Number((low + (high - low) * Math.min(1, Math.max(0, share))).toFixed(3)),
      ];
    });
    this.state.change(pairs, event.type === "pointermove");
  }

  lines(canvas, wide, high, lists, palette, withSamples) {
    const context = sharp(canvas, wide, high);
    const all = lists.flatMap((values) => [...values]).filter(Number.isFinite);
    const [low, top] = [Math.min(0, ...all), Math.max(0, ...all)];
    const [left, right] = this.spans[0];
    const x = (value) => 4 + ((value - left) / (right - left)) * (wide - 8);
    const y = (value) => high - 6 - ((value - low) / (top - low || 1)) * (high - 12);
    context.strokeStyle = css(palette.line);
    context.strokeRect(x(left), y(0), wide - 8, 0.01);
    lists.forEach((values, unit) => {
      context.beginPath();
      context.strokeStyle = css(lists.length === 1 ? palette.accent : CLASSES[unit]);
      context.lineWidth = 2;
      values.forEach((value, k) => context.lineTo(x(this.point(k)[0]), y(value)));
      context.stroke();
    });
    if (!withSamples) return;
    this.key.textContent = `from ${brief(left)} to ${brief(right)}; the output from ${brief(low)} to ${brief(top)}; the points are the samples`;
    for (let row = 0; row < this.rows; row++) {
      context.beginPath();
      context.arc(
        x(this.network.memory[this.network.place(this.x, row)]),
        y(this.network.memory[this.network.place(this.y, row * this.y.shape[1])]),
        4,
        0,
        7,
      );
      context.fillStyle = css(palette.ink);
      context.fill();
    }
  }
}
