// Changed weights as a small file, which `weightlens import changes.json MODEL -o NEW` writes into a model.

import { make } from "./dom.js";

/** What the file holds; a number for which JSON has no word stands there as "NaN", "Infinity" or "-Infinity". */
export function changesOf(network) {
  const changes = [...network.changes]
    .map(([place, value]) => [network.at(place), place, value])
    .filter(([{ kind }]) => kind === "weight")
    .map(([block, place, value]) => ({
      weight: block.id,
      index: network.index(block, place),
      old: Number.isFinite(network.original(place)) ? network.original(place) : String(network.original(place)),
      new: value,
    }));
  return { format: "weightlens changes", model: network.head.title, changes };
}

/** Downloads it. */
export function save(network) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(changesOf(network), null, 1)], { type: "application/json" }));
  const link = make("a", { href: url, download: "changes.json" });
  document.body.append(link);
  link.click();
  link.remove();
  URL.revokeObjectURL(url);
}
