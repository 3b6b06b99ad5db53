// Trees of formulas made into functions that compute many elements at once, without making code from text (no eval): the page's
// Content-Security-Policy forbids that. A function is given a frame {memory, texts, start, count, places, bases}: which elements,
// and for each hole of the pattern the place of each element's cells. It returns an array of its own with `count` results.

import { LOOKUPS, MANY, SINGLE, TEXTUAL } from "./functions.js";

export const CHUNK = 512; // elements that are computed at once, so that results stay in the processor's cache

const INFIX = {
  "+": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] + b[i];
  },
  "-": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] - b[i];
  },
  "*": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] * b[i];
  },
  "/": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] / b[i];
  },
  "^": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = b[i] === 2 ? a[i] * a[i] : a[i] ** b[i];
  },
  "<": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] < b[i] ? 1 : 0;
  },
  ">": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] > b[i] ? 1 : 0;
  },
  "<=": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] <= b[i] ? 1 : 0;
  },
  ">=": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] >= b[i] ? 1 : 0;
  },
  "=": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] === b[i] ? 1 : 0;
  },
  "<>": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = a[i] !== b[i] ? 1 : 0;
  },
  "&": (a, b, out, n) => {
    for (let i = 0; i < n; i++) out[i] = `${a[i]}${b[i]}`;
  },
};

/** Whether a tree gives texts. */
function isText(tree) {
  if (tree.kind === "text" || tree.sign === "&" || tree.name in TEXTUAL) return true;
  return tree.kind === "cell" ? tree.text : tree.name === "IF" && tree.of.slice(1).some(isText);
}

/** The function that computes a tree. */
export function compile(tree) {
  if (tree.kind === "call") return called(tree);
  if (tree.kind === "cell") return cell(tree);
  if (tree.kind === "sign") return times(compile(tree.of), -1);
  if (tree.kind === "infix") return infix(tree);
  if (tree.kind === "area") throw new Error("an area stands where a number is needed");
  const always = new Array(CHUNK).fill(tree.value);
  const found = tree.kind === "text" ? always : Float64Array.from(always);
  return () => found;
}

function outOf(tree) {
  return isText(tree) ? new Array(CHUNK) : new Float64Array(CHUNK);
}

function cell(tree) {
  const out = outOf(tree);
  return ({ memory, texts, start, count, places, bases }) => {
    const at = places[tree.hole];
    const base = bases[tree.hole];
    if (tree.text) for (let i = 0; i < count; i++) out[i] = texts.get(base + at[start + i]);
    else for (let i = 0; i < count; i++) out[i] = memory[base + at[start + i]];
    return out;
  };
}

function times(inner, factor) {
  const out = new Float64Array(CHUNK);
  return (frame) => {
    const a = inner(frame);
    for (let i = 0; i < frame.count; i++) out[i] = factor * a[i];
    return out;
  };
}

function infix(tree) {
  const [left, right, out, loop] = [compile(tree.left), compile(tree.right), outOf(tree), INFIX[tree.sign]];
  return (frame) => {
    loop(left(frame), right(frame), out, frame.count);
    return out;
  };
}

function called(tree) {
  const { name, of } = tree;
  if (name === "SUMPRODUCT" || name === "MMULT") return products(of);
  if (name === "INDEX") return index(of);
  if (name in MANY) return many(of, MANY[name]);
  if (name in LOOKUPS) return lookup(of, LOOKUPS[name]);
  const single = SINGLE[name] ?? TEXTUAL[name];
  if (!single) throw new Error(`the page knows no function ${name}`);
  return mapped(of.map(compile), single, outOf(tree));
}

function mapped(parts, single, out) {
  return (frame) => {
    const [a, b, c, d] = parts.map((part) => part(frame));
    if (d) for (let i = 0; i < frame.count; i++) out[i] = single(a[i], b[i], c[i], d[i]);
    else if (c) for (let i = 0; i < frame.count; i++) out[i] = single(a[i], b[i], c[i]);
    else if (b) for (let i = 0; i < frame.count; i++) out[i] = single(a[i], b[i]);
    else if (a) for (let i = 0; i < frame.count; i++) out[i] = single(a[i]);
    else out.fill(single());
    return out;
  };
}

/** The sum of the products of two areas; SUMPRODUCT(MMULT(row, column)) is one as well, and so is SUMPRODUCT of one area. */
function products(of) {
  if (of.length === 1 && of[0].name === "MMULT") return products(of[0].of);
  if (of.length === 1) return many(of, MANY.SUM);
  if (!of.every((tree) => tree.kind === "area")) return infix({ kind: "infix", sign: "*", left: of[0], right: of[1] });
  const [a, b] = of;
  const turned = a.height !== b.height;
  const [stepA, stepB] = [a.stride - a.width, turned ? b.stride : b.stride - b.width];
  const [acrossB, downB] = turned ? [b.stride, 0] : [1, stepB];
  const out = new Float64Array(CHUNK);
  return ({ memory, start, count, places, bases }) => {
    const [atA, atB, baseA, baseB] = [places[a.hole], places[b.hole], bases[a.hole], bases[b.hole]];
    for (let i = 0; i < count; i++) {
      let p = baseA + atA[start + i];
      let q = baseB + atB[start + i];
      let total = 0;
      for (let row = 0; row < a.height; row++, p += stepA, q += downB) {
        for (const end = p + a.width; p < end; p++, q += acrossB) total += memory[p] * memory[q];
      }
      out[i] = total;
    }
    return out;
  };
}

/** One cell of an area that is a single row or column, by its number. */
function index([area, row, column]) {
  const out = area.text ? new Array(CHUNK) : new Float64Array(CHUNK);
  const parts = [compile(row), compile(column)];
  const step = area.height > 1 ? area.stride : 1;
  const most = area.height * area.width;
  return (frame) => {
    const [down, across] = parts.map((part) => part(frame));
    const [at, base, source] = [frame.places[area.hole], frame.bases[area.hole], frame.memory];
    for (let i = 0; i < frame.count; i++) {
      const k = Math.trunc(down[i]) * Math.trunc(across[i]) - 1;
      const place = base + at[frame.start + i] + k * step;
      out[i] = !(k >= 0 && k < most) ? NaN : area.text ? frame.texts.get(place) : source[place];
    }
    return out;
  };
}

/** Puts the cells of an element's area into an array, from place `n` on; returns the place after them. */
function gather(area, { memory, texts, start, places, bases }, i, into, n) {
  let place = bases[area.hole] + places[area.hole][start + i];
  for (let row = 0; row < area.height; row++, place += area.stride) {
    for (let column = 0; column < area.width; column++)
      into[n++] = area.text ? texts.get(place + column) : memory[place + column];
  }
  return n;
}

function many(of, fold) {
  const parts = of.map((tree) => (tree.kind === "area" ? null : compile(tree)));
  const values = new Float64Array(of.reduce((n, tree) => n + (tree.kind === "area" ? tree.height * tree.width : 1), 0));
  const out = new Float64Array(CHUNK);
  return (frame) => {
    const made = parts.map((part) => part?.(frame));
    for (let i = 0; i < frame.count; i++) {
      let n = 0;
      for (let k = 0; k < of.length; k++) {
        if (made[k]) values[n++] = made[k][i];
        else n = gather(of[k], frame, i, values, n);
      }
      out[i] = fold(values, n);
    }
    return out;
  };
}

/** SMALL(area, k) and MATCH(value, area, 0). */
function lookup(of, find) {
  const area = of.find((tree) => tree.kind === "area");
  const value = compile(of.find((tree) => tree !== area));
  const cells = area.text ? new Array(area.height * area.width) : new Float64Array(area.height * area.width);
  const out = new Float64Array(CHUNK);
  return (frame) => {
    const wanted = value(frame);
    for (let i = 0; i < frame.count; i++) {
      gather(area, frame, i, cells, 0);
      out[i] = find(cells, wanted[i]);
    }
    return out;
  };
}
