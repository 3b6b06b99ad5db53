// Blocks on paper: all cells, also those that a screen scrolls to, in strips as wide as a sheet of paper.

import { make } from "./dom.js";
import { soMany } from "./words.js";

const PAPER_WIDTH = 640; // pixels of a strip, and at most as high
const PAPER_HEIGHT = 860;
const MOST_STRIPS = 24; // strips of one block

/** Puts all cells of a block below its view; only paper shows them. */
export function toPaper(sheet) {
  const { grid, cell, left, top } = sheet;
  const rows = pieces(grid.height, grid.rowGroup, (row) => sheet.y(row), cell.height, PAPER_HEIGHT - top);
  const columns = pieces(grid.width, grid.group, (column) => sheet.x(column), cell.width, PAPER_WIDTH - left);
  const strips = rows.flatMap((down) => columns.map((across) => [down, across]));
  const canvases = strips.slice(0, MOST_STRIPS).map(([down, across]) => {
    const canvas = make("canvas");
    sheet.drawPart(canvas, {
      left: across.from,
      top: down.from,
      wide: left + across.to - across.from,
      high: top + down.to - down.from,
    });
    return canvas;
  });
  const more = strips.length - canvases.length;
  const rest = more > 0 && make("p", { class: "hint" }, `The rest is not printed: ${soMany(more, "strip")} like these.`);
  sheet.element.append(make("div", { class: "printed" }, canvases, rest));
}

/** Takes them away again. */
export function fromPaper(sheet) {
  sheet.element.querySelector(".printed")?.remove();
}

/** As many rows or columns together as there is room for, whole groups if one fits: where they begin and end, in pixels. */
function pieces(count, group, at, size, room) {
  const found = [];
  for (let k = 0; k < count;) {
    const first = k;
    for (k++; k < count && at(k) + size - at(first) <= room;) k++;
    if (k < count && group && k - (k % group) > first) k -= k % group;
    found.push({ from: at(first), to: at(k - 1) + size });
  }
  return found;
}
