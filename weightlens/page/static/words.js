// Numbers and places in words.

import { expanded } from "./machine.js";

/** How many of something there are: "12,345". */
export const thousands = (count) => count.toLocaleString("en");

const withMinus = (text) => text.replaceAll("-", "−");

/** A number with few digits, for a narrow cell. */
export function brief(value) {
  if (typeof value !== "number") return value ?? "";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e5) return withMinus(String(value));
  const size = Math.abs(value);
  return withMinus(size < 0.0005 || size >= 1e5 ? value.toExponential(1) : value.toFixed(size < 10 ? 3 : size < 1000 ? 2 : 1));
}

/** A number with the digits that matter to a reader: 7, or 5 of the terms of a sum, which a calculator adds up. */
export function full(value, digits = 7) {
  if (typeof value !== "number" || !Number.isFinite(value) || Number.isInteger(value)) return brief(value);
  if (Math.abs(value) < 0.0005) return withMinus(value.toExponential(digits - 2).replace(/\.?0+e/, "e"));
  return withMinus(String(Number(value.toPrecision(digits))));
}

/** One coordinate of an axis in words: "unit 3", "t=2", "input gate". */
function coordinate(factor, i) {
  if (factor.at && !factor.list) factor.list = expanded(factor.at.slice(1)).map((place) => place + factor.at[0]);
  const at = factor.list ? factor.list[i] : i;
  if (at < 0) return "padding";
  if (factor.words?.[at] !== undefined) return factor.words[at];
  return factor.name === "time step" ? `t=${at}` : `${factor.name} ${at}`;
}

/** What a column of the input is called, or a class: by the name that somebody gave it, else "x2", "class 2". */
function placeName(block, axis, i, head) {
  if (axis === block.inputAxis) return head.inputLabels.length === block.shape[axis] ? head.inputLabels[i] : `x${i}`;
  if (axis !== block.shape.length - 1) return null;
  const isAnswer = head.outputs.some((output) => output.block === block.number);
  const names = block.kind === "input" ? head.inputLabels : isAnswer ? head.labels : [];
  if (names.length === block.shape.at(-1)) return names[i];
  return isAnswer && block.shares && block.shape.length === 2 ? `class ${i}` : null;
}

/** One place of an axis in words, factor by factor: ["input gate", "unit 3"]. */
export function factorsAlong(block, axis, i, head) {
  const name = placeName(block, axis, i, head);
  if (name !== null) return [name];
  const factors = block.axes[axis];
  return factors.length ? factors.map((factor) => coordinate(factor, i)) : [String(i)];
}

/** One place of an axis in words. */
export const along = (block, axis, i, head) => factorsAlong(block, axis, i, head).join(", ");

/** An element in words: "sample 1, unit 3"; of more than two axes nothing is said of what there is only one of. */
export function placeWords(block, index, head) {
  const shown = block.shape
    .map((_, axis) => axis)
    .filter((axis) => block.shape[axis] > 1 || (block.shape.length < 3 && block.axes[axis].length));
  const times = block.of ? [`t=${block.occurrence}`] : [];
  return [...times, ...shown.map((axis) => along(block, axis, index[axis], head))].join(", ");
}

/** An element as it is written in a formula: "kernel[2, 0]". */
export function cellName(name, index) {
  return index.length ? `${name}[${index.join(", ")}]` : name;
}

/** So many of something: "1 unit", "4 units". */
export const soMany = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;

/** A shape: "4 × 3". */
export const shapeWords = (shape) => (shape.length ? shape.join(" × ") : "a number");
