// The data of the page read back: JSON, and arrays of numbers.

import { inflate } from "./inflate.js";

/** What `pack.py` wrote: the JSON, with `values` at each entry that tells of an array. */
export async function unpack() {
  const raw = await inflate("data");
  let at = 8 + Number(new DataView(raw).getBigUint64(0, true));
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(raw, 8, at - 8)));
  for (const said of arrays(head)) {
    const end = at + said.bytes * said.count;
    said.values = said.bytes === 4 ? new Float32Array(raw.slice(at, end)) : new Float64Array(raw.slice(at, end));
    at = end;
  }
  return head;
}

/** The entries that tell of arrays, in the order in which these were written. */
function arrays(head) {
  return [...head.blocks.flatMap(({ data }) => data ?? []), head.check, ...(head.samples?.inputs ?? [])];
}
