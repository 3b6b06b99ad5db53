// A curve with a point on it.

import { draw, make } from "./dom.js";

/** A curve with axes and a point. */
export function plot(points, [x0, y0], text) {
  const ys = points.map(([, y]) => y).filter(Number.isFinite);
  if (!ys.length) return null;
  const [left, right] = [points[0][0], points.at(-1)[0]];
  const [low, high] = [Math.min(0, y0, ...ys), Math.max(0, y0, ...ys)];
  const x = (value) => 6 + ((value - left) / (right - left)) * 228;
  const y = (value) => 84 - ((value - low) / (high - low || 1)) * 78;
  const line = points
    .filter(([, value]) => Number.isFinite(value))
    .map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`)
    .join(" ");
  return make(
    "figure",
    { class: "curve" },
    draw(
      "svg",
      { viewBox: "0 0 240 90", role: "img", "aria-label": text },
      draw("line", { class: "axis", x1: 6, x2: 234, y1: y(0), y2: y(0) }),
      draw("line", { class: "axis", x1: x(0), x2: x(0), y1: 6, y2: 84 }),
      draw("polyline", { points: line }),
      draw("circle", { cx: x(x0), cy: y(y0), r: 4.5 }),
    ),
    make("figcaption", {}, text),
  );
}
