// The first lines that run. They unpack the style sheet and the other modules, which the page's Content-Security-Policy knows by
// their digests: what is not exactly ours is not run.

import { inflate } from "./inflate.js";

async function boot() {
  const { style, script } = JSON.parse(new TextDecoder().decode(await inflate("code")));
  for (const [tag, text] of [
    ["style", style],
    ["script", script],
  ]) {
    const element = document.createElement(tag);
    element.textContent = text;
    document.head.append(element);
  }
  return globalThis.weightlens.ready; // by now that of the modules
}

globalThis.weightlens = { ready: boot() };
