// The network drawn as a graph: layers from top to bottom, with the connections that there really are.

import { draw, make } from "./dom.js";
import { shapeWords, thousands } from "./words.js";

const [WIDE, HIGH, ACROSS, DOWN] = [176, 50, 14, 24]; // of a box, and between boxes
const NARROW = 12; // a lane in which nothing but connections runs

/** For each layer its row (after all that it reads) and its lane; long connections keep a lane of their own free. */
export function placed(layers) {
  const found = [];
  const taken = new Map(); // row -> lanes
  const isFree = (row, lane) => !taken.get(row)?.has(lane);
  const take = (row, lane) => (taken.get(row) ?? taken.set(row, new Set()).get(row)).add(lane);
  layers.forEach(({ reads }, i) => {
    const before = reads.filter((k) => k < i); // cells of a recurrent layer read one another, a time step later
    const row = before.length ? Math.max(...before.map((k) => found[k].row)) + 1 : 0;
    let lane = before.length ? found[before.at(-1)].lane : 0;
    while (!isFree(row, lane)) lane++;
    found.push({ row, lane });
    take(row, lane);
  });
  const edges = [];
  layers.forEach(({ reads }, i) => {
    for (const k of reads) {
      if (k > i) {
        edges.push({ from: k, to: i, lane: null, back: true });
        continue;
      }
      const rows = Array.from({ length: found[i].row - found[k].row - 1 }, (_, n) => found[k].row + 1 + n);
      let lane = found[k].lane;
      while (rows.some((row) => !isFree(row, lane))) lane++;
      rows.forEach((row) => take(row, lane));
      edges.push({ from: k, to: i, lane: rows.length ? lane : null });
    }
  });
  return { boxes: found, edges };
}

export class Graph {
  constructor(state) {
    this.state = state;
    const { layers } = state.network.head;
    const { boxes, edges } = placed(layers);
    const count = Math.max(...boxes.map(({ lane }) => lane), ...edges.map(({ lane }) => lane ?? 0)) + 1;
    this.lanes = [{ x: 6 }];
    for (let lane = 0; lane < count; lane++) {
      const width = boxes.some((box) => box.lane === lane) ? WIDE : NARROW;
      this.lanes[lane].middle = this.lanes[lane].x + width / 2;
      this.lanes.push({ x: this.lanes[lane].x + width + ACROSS });
    }
    this.boxes = boxes.map(({ row, lane }) => ({ x: this.lanes[lane].x, y: 6 + row * (HIGH + DOWN) }));
    const rows = Math.max(...boxes.map(({ row }) => row)) + 1;
    const [wide, high] = [this.lanes.at(-1).x, 12 + rows * (HIGH + DOWN) - DOWN];
    this.nodes = layers.map((layer, i) => this.node(layer, i));
    this.element = make(
      "nav",
      { class: "graph", "aria-label": "the network" },
      draw(
        "svg",
        { width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, role: "group" },
        this.nested(layers),
        edges.map((edge) => this.edge(edge)),
        this.nodes,
      ),
    );
    this.update();
  }

  /** A frame around the layers of a nested model. */
  nested(layers) {
    const groups = new Map();
    layers.forEach(({ path }, i) => {
      const parts = path.split("/");
      if (parts.length > 1) groups.set(parts[0], [...(groups.get(parts[0]) ?? []), i]);
    });
    return [...groups].map(([name, members]) => {
      const xs = members.map((i) => this.boxes[i].x);
      const ys = members.map((i) => this.boxes[i].y);
      const [x, y] = [Math.min(...xs) - 5, Math.min(...ys) - 5];
      const size = { width: Math.max(...xs) + WIDE + 5 - x, height: Math.max(...ys) + HIGH + 5 - y };
      return draw("rect", { class: "nested", x, y, rx: 8, ...size }, draw("title", {}, name));
    });
  }

  edge({ from, to, lane, back }) {
    const [a, b] = [this.boxes[from], this.boxes[to]];
    if (back) {
      const [right, low, high] = [Math.max(a.x, b.x) + WIDE, a.y + HIGH / 2, b.y + HIGH / 2];
      const d = `M ${a.x + WIDE} ${low} C ${right + ACROSS} ${low}, ${right + ACROSS} ${high}, ${b.x + WIDE} ${high}`;
      return draw("path", { class: "edge back", d });
    }
    const [x, y, x2, y2] = [a.x + WIDE / 2, a.y + HIGH, b.x + WIDE / 2, b.y];
    const bend = (x1, y1, x3, y3) => `C ${x1} ${y1 + DOWN * 0.8}, ${x3} ${y3 - DOWN * 0.8}, ${x3} ${y3}`;
    if (lane === null) return draw("path", { class: "edge", d: `M ${x} ${y} ${bend(x, y, x2, y2)}` });
    const { middle } = this.lanes[lane];
    const d = `M ${x} ${y} ${bend(x, y, middle, y + DOWN)} L ${middle} ${y2 - DOWN} ${bend(middle, y2 - DOWN, x2, y2)}`;
    return draw("path", { class: "edge", d });
  }

  node(layer, i) {
    const { x, y } = this.boxes[i];
    const open = () => this.state.look(i);
    const numbers = layer.parameters ? `, ${thousands(layer.parameters)} parameters` : "";
    const below = `${shapeWords(layer.shape)}${layer.parameters ? ` · ${thousands(layer.parameters)} par.` : ""}`;
    return draw(
      "g",
      {
        class: `node ${this.kind(i)}`,
        role: "button",
        tabindex: 0,
        transform: `translate(${x} ${y})`,
        "aria-label": `${layer.path}, ${layer.call || "input"}, ${shapeWords(layer.shape)}${numbers}`,
        onclick: open,
        onkeydown: (event) => {
          if (event.key === "Enter" || event.key === " ") open();
          const next = { ArrowDown: i + 1, ArrowUp: i - 1 }[event.key];
          if (this.nodes[next]) {
            event.preventDefault();
            this.nodes[next].focus();
          }
        },
      },
      draw("rect", { width: WIDE, height: HIGH, rx: 6 }),
      draw(
        "svg", // what wide letters make longer than the box ends with it
        { width: WIDE - 2, height: HIGH },
        draw("text", { x: 8, y: 14, class: "name" }, cutPath(layer.path, 20)),
        draw("text", { x: 8, y: 29 }, cut(layer.call || "input", 28)),
        draw("text", { x: 8, y: 43, class: "small" }, cut(below, 33)),
      ),
      draw("circle", { class: "moved", cx: WIDE - 10, cy: 11, r: 4 }),
    );
  }

  kind(i) {
    const { network } = this.state;
    if (network.outputs.some(({ layer }) => layer === i)) return "output";
    return network.inputs.some(({ layer }) => layer === i) ? "input" : "";
  }

  update() {
    const { network, layer } = this.state;
    const moved = network.changed();
    this.nodes.forEach((node, i) => {
      node.classList.toggle("here", i === layer);
      node.classList.toggle("changed", moved.has(i));
      if (i === layer) node.setAttribute("aria-current", "true");
      else node.removeAttribute("aria-current");
    });
    const { y } = this.boxes[layer];
    const { scrollTop, clientHeight } = this.element;
    if (y < scrollTop || y + HIGH > scrollTop + clientHeight) this.element.scrollTop = y - clientHeight / 2;
  }
}

/** A text cut where it is too long. */
export const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** A path cut where it is too long: its end tells one layer from the next. */
const cutPath = (path, most) => {
  if (path.length <= most) return path;
  const begin = path.includes("/") ? "" : path.slice(0, 8);
  return `${begin}…${path.slice(begin.length + 1 - most)}`;
};
