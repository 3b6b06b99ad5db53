// What scripts may use: the global `weightlens`.

/** The methods of `weightlens`, on the state of a page that is promised. */
export function surface(promised) {
  let state = null;
  const api = {
    /** A promise: the page is there and every number is computed. */
    ready: promised.then((made) => {
      state = made;
      return true;
    }),
    /** The worst relative difference of all computed cells from the numbers at export. */
    check: () => there().check(),
    /** The weights: name, shape and first number of each. */
    weights: () =>
      there()
        .blocks.filter(({ kind }) => kind === "weight")
        .map(named),
    /** The inputs, alike. */
    inputs: () => there().inputs.map(named),
    /** Everything that has a name: inputs, weights and steps. */
    names: () => [...there().byName.keys()],
    /** The numbers of an input, a weight or a step, in the order of the array. */
    get: (name) => there().numbers(there().block(name)),
    /** Changes one number of an input or a weight by its flat index, and computes everything after it. */
    set(name, index, value) {
      const block = there().block(name);
      if (!block.changeable) throw new TypeError(`${name} is computed; change an input or a weight`);
      if (!Number.isInteger(index) || index < 0 || index >= block.size) throw new RangeError(`${name} has no number ${index}`);
      if (block.text ? typeof value !== "string" : typeof value !== "number")
        throw new TypeError(`${name} holds ${block.text ? "texts" : "numbers"}`);
      state.change([[there().place(block, index), value]]);
    },
    /** The outputs: the numbers of each, in the order of the array. */
    outputs: () => there().outputs.map((block) => there().numbers(block)),
    /** Back to the file. */
    reset() {
      there();
      state.reset();
    },
  };

  function there() {
    if (!state) throw new Error("the page is not ready: await weightlens.ready");
    return state.network;
  }

  function named(block) {
    return { name: block.id, shape: block.shape, first: there().value(block.start, block) };
  }

  return Object.freeze(api);
}
