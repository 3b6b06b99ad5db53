// The colours of the page, read from its style sheet, so that light and dark are told in one place.

const NAMES = [
  "paper",
  "ink",
  "grey",
  "line",
  "input",
  "weight",
  "step",
  "output",
  "constant",
  "off",
  "negative",
  "positive",
  "accent",
  "mark",
];

/** The colours that hold now, each as [red, green, blue]. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, channels(style.getPropertyValue(`--${name}`).trim())]));
}

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

export const css = (colour, alpha = 1) => `rgb(${colour.map(Math.round).join(" ")} / ${alpha})`;

/** Between two colours. */
export const mix = (a, b, share) => a.map((from, i) => from + (b[i] - from) * share);

/** The colour of a number on a scale to `most`: orange below 0, blue above; of an input from paper to ink. */
export function heat(value, most, palette, kind, base = palette.paper) {
  if (!Number.isFinite(value)) return palette.off;
  const share = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
  if (kind === "input" && value >= 0) return mix(palette.paper, palette.ink, share);
  return mix(base, value < 0 ? palette.negative : palette.positive, share);
}

// Okabe and Ito: told apart by colour-blind eyes. In the order of the charts of a workbook.
export const CLASSES = [
  [0, 114, 178],
  [230, 159, 0],
  [0, 158, 115],
  [204, 121, 167],
  [86, 180, 233],
  [213, 94, 0],
];
