// The page comes to life.

import { surface } from "./api.js";
import { unpack } from "./data.js";
import { Network } from "./network.js";

async function start() {
  return new Network(await unpack(document.getElementById("data").textContent));
}

globalThis.weightlens = surface(
  start(),
  (network, pairs) => void network.put(pairs),
  (network) => void network.reset(),
);
