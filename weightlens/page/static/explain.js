// One number taken apart: its formula, its terms, and what it becomes in an activation function.

import { compile } from "./compile.js";

const FEW = 4000; // cells that may be computed again for a curve

/** Numbers of a network with the formulas behind them. */
export class Explainer {
  constructor(network) {
    this.network = network;
  }

  /** The formula of one cell: its tree, and for each hole the first place that is read; null of an input or a weight. */
  formula(place) {
    const block = this.network.at(place);
    for (const part of block.parts) {
      const i = part.own.indexOf(place - part.at[1]);
      if (i >= 0)
        return {
          block,
          part,
          i,
          tree: this.network.machine.trees[part.pattern],
          at: part.holes.map((_, k) => part.bases[k] + part.places[k][i]),
        };
    }
    return null;
  }

  /** The places that an area, or a cell, of a formula reads. */
  places({ at }, { hole, height, width, stride }) {
    return Array.from({ length: height * width }, (_, k) => at[hole] + Math.floor(k / width) * stride + (k % width));
  }

  /** All places that a cell is computed from. */
  reads(place) {
    const formula = this.formula(place);
    return formula ? leaves(formula.tree).flatMap((leaf) => this.places(formula, leaf)) : [];
  }

  /** What a function made of a formula, or of a part of it, gives for its cell. */
  computed(work, { part, i }) {
    const { memory, texts } = this.network.machine;
    return work({ memory, texts, start: i, count: 1, places: part.places, bases: part.bases })[0];
  }

  /** The terms of a sum: {factors, value}, each factor a place or a tree, and what the sum is then multiplied by; null of what is no sum. */
  terms(formula) {
    let { tree } = formula;
    let then = "";
    while (tree.kind === "infix" && (tree.sign === "*" || tree.sign === "/") && tree.right.kind === "number") {
      then = ` ${tree.sign} ${tree.right.value}${then}`;
      tree = tree.left;
    }
    const list = this.summed(formula, tree);
    return list.length > 1 ? { list, then: tree.name === "AVERAGE" ? ` / ${list.length}${then}` : then } : null;
  }

  summed(formula, tree) {
    if (tree.kind === "infix" && tree.sign === "+")
      return [...this.summed(formula, tree.left), ...this.summed(formula, tree.right)];
    if (tree.kind === "call" && (tree.name === "SUMPRODUCT" || tree.name === "MMULT")) return this.products(formula, tree.of);
    if (tree.kind === "call" && (tree.name === "SUM" || tree.name === "AVERAGE"))
      return tree.of.flatMap((part) => this.singles(formula, part));
    return [this.term(formula, tree)];
  }

  products(formula, of) {
    if (of.length === 1) return of[0].name === "MMULT" ? this.products(formula, of[0].of) : this.singles(formula, of[0]);
    const [left, right] = of.map((area) => this.places(formula, area));
    return left.map((place, k) => this.pair(place, right[k]));
  }

  pair(left, right) {
    return { factors: [left, right], value: this.network.memory[left] * this.network.memory[right] };
  }

  singles(formula, tree) {
    if (tree.kind !== "area") return [this.term(formula, tree)];
    return this.places(formula, tree).map((place) => ({ factors: [place], value: this.network.memory[place] }));
  }

  term(formula, tree) {
    const parts = tree.kind === "infix" && tree.sign === "*" ? [tree.left, tree.right] : [tree];
    const factors = parts.map((part) => (part.kind === "cell" ? formula.at[part.hole] : part));
    return { factors, value: this.computed(compile(tree), formula) };
  }

  /** The cells behind a cell within its layer, as far as each is made of few: an activation, its pre-activation, its dot product. */
  story(place) {
    const found = [place];
    for (let at = place; found.length < 4; at = found.at(-1)) {
      const formula = this.formula(at);
      const inside = formula
        ? [
            ...new Set(
              leaves(formula.tree)
                .filter(({ kind }) => kind === "cell")
                .map(({ hole }) => formula.at[hole]),
            ),
          ]
        : [];
      const next = inside.filter((other) => {
        const block = this.network.at(other);
        return block.kind === "step" && block.parts.length && block.layer === formula.block.layer && block.role !== "helper";
      });
      if (next.length !== 1) break;
      found.push(next[0]);
    }
    return found;
  }

  /** What a cell would be for other numbers at a place of its layer: [[x, y]...]; null where that is too much to compute. */
  curve(place, variable, xs) {
    const { memory } = this.network;
    const order = this.between(place, variable);
    if (!order) return null;
    const kept = [...order, variable].map((at) => [at, memory[at]]);
    const cells = order.map((at) => [at, this.formula(at)]);
    const found = xs.map((x) => {
      memory[variable] = x;
      for (const [at, formula] of cells) memory[at] = this.computed(this.network.machine.function(formula.part.pattern), formula);
      return [x, memory[place]];
    });
    for (const [at, value] of kept) memory[at] = value;
    return found;
  }

  /** The cells between a place and what it depends on in the same layer, in the order of computing. */
  between(place, variable) {
    const { layer } = this.network.at(place);
    const seen = new Map();
    const visit = (at) => {
      if (seen.has(at)) return seen.get(at);
      seen.set(at, at === variable);
      if (at === variable || seen.size > FEW || this.network.at(at).layer !== layer) return at === variable;
      const depends = this.reads(at).map(visit).some(Boolean);
      seen.set(at, depends);
      return depends;
    };
    if (!visit(place) || seen.size > FEW) return null;
    return [...seen]
      .filter(([at, depends]) => depends && at !== variable)
      .map(([at]) => at)
      .sort((a, b) => a - b);
  }
}

/** The cells and areas of a tree. */
export function leaves(tree) {
  if (tree.kind === "cell" || tree.kind === "area") return [tree];
  return [tree.left, tree.right, ...(Array.isArray(tree.of) ? tree.of : [tree.of])].filter(Boolean).flatMap(leaves);
}
