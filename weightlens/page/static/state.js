// What somebody does on the page: which layer and number is looked at, what was changed, and the way back.

const PAUSE = 200; // milliseconds without a change after which the address is written
const MOST_IN_ADDRESS = 400; // changes that are kept in the page's address

export class State {
  constructor(network) {
    this.network = network;
    this.layer = 0;
    this.selected = null; // place in memory of the number that was clicked
    this.pointed = null; // and of the one under the pointer
    this.sample = 0;
    this.onlyChanges = false;
    this.sliders = [];
    this.done = [];
    this.undone = [];
    this.listeners = [];
    this.blocks = new Set(); // what has changed since listeners were told
  }

  /** The number that is explained. */
  get shown() {
    return this.pointed ?? this.selected;
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  /** Something is another way now: "numbers", "layer", "selection", "pointer" or "look". */
  tell(what) {
    for (const listener of this.listeners) listener(what);
    if (what === "pointer") return;
    clearTimeout(this.remembering); // browsers allow an address to change only so often
    this.remembering = setTimeout(() => this.remember(), PAUSE);
  }

  /** Changes numbers: [[place, value]...]; `joined`: one more of the same gesture, which is undone at once. */
  change(pairs, joined = false) {
    const { network } = this;
    const before = pairs.map(([place]) => [place, network.value(place)]);
    network.put(pairs);
    const last = this.done.at(-1);
    if (joined && last?.after.length === pairs.length && last.after.every(([place], i) => place === pairs[i][0]))
      last.after = pairs;
    else this.done.push({ before, after: pairs });
    this.undone = [];
    this.tell("numbers");
  }

  undo() {
    this.move(this.done, this.undone, "before");
  }

  redo() {
    this.move(this.undone, this.done, "after");
  }

  move(from, to, side) {
    const step = from.pop();
    if (!step) return;
    to.push(step);
    this.network.put(step[side]);
    this.tell("numbers");
  }

  /** Back to the file. */
  reset() {
    const { network } = this;
    const pairs = [...network.changes.keys()].map((place) => [place, network.original(place)]);
    if (pairs.length) this.change(pairs);
  }

  look(layer) {
    if (layer === this.layer) return;
    this.layer = layer;
    this.tell("layer");
  }

  select(place) {
    this.selected = place;
    this.pointed = null;
    this.sample = this.sampleOf(place) ?? this.sample;
    const block = place === null ? null : this.network.at(place);
    if (block && block.layer !== this.layer && !this.network.sources(this.layer).includes(block)) this.look(block.layer);
    this.tell("selection");
  }

  /** The sample that a number belongs to; null of one that belongs to all of them. */
  sampleOf(place) {
    const block = place === null ? null : this.network.at(place);
    return block?.axes[0]?.[0]?.name === "sample" ? this.network.index(block, place)[0] : null;
  }

  point(place) {
    if (place === this.pointed) return;
    this.pointed = place;
    this.tell("pointer");
  }

  /** Keeps in the address what is looked at and what was changed. */
  remember() {
    const { network } = this;
    const said = new URLSearchParams();
    if (this.layer) said.set("layer", network.head.layers[this.layer].path);
    if (this.selected !== null) said.set("at", this.named(this.selected));
    for (const [place, value] of [...network.changes].slice(0, MOST_IN_ADDRESS))
      said.append("set", `${this.named(place)}=${value}`);
    if (location.protocol !== "about:") history.replaceState(null, "", `#${said}`);
  }

  named(place) {
    const block = this.network.at(place);
    return `${block.id}@${this.network.flat(block, place)}`;
  }

  /** The place that a name in an address means; null where there is none. */
  placed(text) {
    const at = text.lastIndexOf("@");
    const [block, flat] = [this.network.byName.get(text.slice(0, at)), Number(text.slice(at + 1))];
    return block && Number.isInteger(flat) && flat >= 0 && flat < block.size ? this.network.place(block, flat) : null;
  }

  /** Takes up what the address says; what does not fit this network is left out. */
  recall(fragment) {
    const said = new URLSearchParams(fragment.replace(/^#/, ""));
    const pairs = [];
    for (const text of said.getAll("set")) {
      const [, name, value] = /^(.*@\d+)=(.*)$/s.exec(text) ?? [];
      const place = name === undefined ? null : this.placed(name);
      const block = place === null ? null : this.network.at(place);
      if (block?.changeable && (block.text || Number.isFinite(Number(value))))
        pairs.push([place, block.text ? value : Number(value)]);
    }
    const layer = this.network.head.layers.findIndex(({ path }) => path === said.get("layer"));
    const at = said.get("at") ? this.placed(said.get("at")) : null;
    if (pairs.length) this.change(pairs);
    if (layer > 0) this.look(layer);
    if (at !== null) this.select(at);
  }
}
