// The data of the page read back: letters, bytes, JSON and arrays of numbers.

/** What `pack.py` wrote: the JSON, with a function `numbers(said)` that gives the array which an entry of it tells of. */
export async function unpack(letters) {
  const text = atob(letters);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const raw = await new Response(stream).arrayBuffer();
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
