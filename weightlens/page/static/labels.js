// What stands beside the rows of a block and over its columns.

import { css } from "./colours.js";

const COLUMN_LABEL = 54; // pixels
export const OUTER = 14; // pixels for the names that several columns share

/** Draws the labels of the rows and columns in view. */
export function drawLabels(sheet, context, palette, rows, columns) {
  const { grid, cell } = sheet;
  context.fillStyle = css(palette.grey);
  context.textAlign = "right";
  for (let row = rows[0]; row < Math.min(grid.height, rows[1]); row++) {
    const y = sheet.corner(row, 0)[1] + cell.height / 2;
    if (y >= sheet.top) context.fillText(rowText(sheet, row), sheet.left - 5, y, sheet.left - 6);
  }
  context.textAlign = "left";
  if (grid.layered) drawOuter(sheet, context, columns);
  const room = labelled(sheet) * cell.width - 3;
  for (let column = columns[0]; column < Math.min(grid.width, columns[1]); column++) {
    const x = sheet.corner(0, column)[0];
    if (x >= sheet.left - 1) context.fillText(columnText(sheet, column), x + 2, sheet.top - 11, room);
  }
}

/** The names that several columns share, each once, over the first of them that is in view. */
function drawOuter(sheet, context, [first, last]) {
  const { grid, cell } = sheet;
  const end = Math.min(grid.width, last);
  for (let column = first; column < end; column++) {
    const { outer } = grid.names(column);
    const begin = Math.max(sheet.left, sheet.corner(0, column)[0]);
    while (column + 1 < end && grid.names(column + 1).outer === outer) column++;
    context.fillText(outer, begin + 2, 9, sheet.corner(0, column)[0] + cell.width - begin - 3);
  }
}

/** What stands left of a row; of low rows only of groups, or of some. */
export function rowText({ asHeat, cell, grid }, row) {
  if (!asHeat) return grid.rowLabel(row);
  if (grid.rowGroup) return grid.rowGroupLabel(row);
  return row % Math.ceil(13 / cell.height) ? "" : grid.rowLabel(row);
}

/** What stands over a column, under the name that it shares with others; of narrow columns only over groups, or over some. */
function columnText(sheet, column) {
  const { asHeat, grid } = sheet;
  if (!asHeat) return grid.layered ? grid.names(column).inner : grid.columnLabel(column);
  if (grid.layered || column % labelled(sheet)) return "";
  return grid.group ? grid.groupLabel(column) : grid.columnLabel(column);
}

/** How many columns there are for each label: as many groups, or columns, as give it room. */
function labelled({ asHeat, cell, grid }) {
  const each = grid.group || 1;
  return asHeat ? each * Math.ceil(COLUMN_LABEL / (each * cell.width)) : 1;
}
