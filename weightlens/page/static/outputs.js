// What the network answers: the outputs now and as in the file, the samples to pick from, and sliders for chosen inputs.

import { make } from "./dom.js";
import { same } from "./machine.js";
import { along, brief, placeWords, thousands } from "./words.js";

const MOST_BARS = 12;
const MOST_LISTED = 5000; // numbers of one output among which the largest are looked for
const THRESHOLD = 0.5; // from here on a single output says yes

export class Outputs {
  constructor(state) {
    Object.assign(this, { state, network: state.network, head: state.network.head });
    this.bars = make("div", { class: "answers" });
    this.controls = make("div", { class: "controls" });
    this.sliders = make("div", { class: "sliders" });
    this.element = make(
      "section",
      { class: "outputs", "aria-label": "outputs" },
      make("h2", {}, "Output"),
      this.controls,
      this.bars,
      this.sliders,
    );
    this.buildControls();
    this.update("look");
  }

  buildControls() {
    const [output] = this.network.outputs;
    const rows = output?.shape.length ? output.shape[0] : 1;
    const parts = [];
    if (this.head.samples) parts.push(this.picker());
    if (rows > 1) {
      const list = Array.from({ length: rows }, (_, i) => make("option", { value: String(i) }, `sample ${i}`));
      this.chosen = make("select", { onchange: () => this.choose() }, list);
      parts.push(make("label", {}, "show ", this.chosen));
    }
    this.controls.replaceChildren(...parts);
  }

  choose() {
    this.state.sample = Number(this.chosen.value);
    this.state.tell("look");
  }

  /** Picks which of the samples in the file the network is shown. */
  picker() {
    const { count, of } = this.head.samples;
    const field = make("input", {
      type: "number",
      min: 0,
      max: count - 1,
      value: 0,
      "aria-label": "sample to read",
      onchange: () => this.pick(field),
    });
    const words = `of 0 to ${thousands(count - 1)}${count < of ? ` (of ${thousands(of)}: the first)` : ""}`;
    const move = (by, sign) =>
      make(
        "button",
        {
          type: "button",
          "aria-label": by > 0 ? "next sample" : "sample before",
          onclick: () => {
            field.value = Number(field.value) + by;
            this.pick(field);
          },
        },
        sign,
      );
    return make("span", { class: "picker" }, move(-1, "‹"), " sample ", field, ` ${words} `, move(1, "›"));
  }

  pick(field) {
    const { count, inputs } = this.head.samples;
    const at = Math.min(count - 1, Math.max(0, Math.round(Number(field.value) || 0)));
    field.value = at;
    const pairs = this.network.inputs.flatMap((block, k) => {
      const [rows, each] = [block.shape[0], block.size / block.shape[0]];
      return Array.from({ length: block.size }, (_, flat) => {
        const row = Math.min(count - 1, at + Math.floor(flat / each));
        return [this.network.place(block, flat), inputs[k].values[row * each + (flat % each)]];
      }).slice(0, rows * each);
    });
    this.state.change(pairs);
  }

  update(what) {
    if (what === "pointer" || (what === "selection" && Number(this.chosen?.value) === this.state.sample)) return;
    if (this.chosen) this.chosen.value = String(this.state.sample);
    this.bars.replaceChildren(...this.network.outputs.map((block, k) => this.answer(block, this.head.outputs[k].name)));
    this.showSliders();
  }

  /** One output: of the chosen sample a bar for each number, and a line where the file's is. */
  answer(block, name) {
    const each = block.size / (block.shape[0] || 1);
    if (each > MOST_LISTED) return this.elsewhere(block, name, each);
    const sample = Math.min(this.state.sample, (block.shape[0] || 1) - 1);
    const places = Array.from({ length: each }, (_, i) => this.network.place(block, sample * each + i));
    const now = places.map((place) => this.network.value(place, block));
    const before = places.map((place) => this.network.original(place));
    const order = now.map((_, i) => i);
    if (each > MOST_BARS) order.sort((a, b) => now[b] - now[a]);
    const sizes = [...now, ...before].filter(Number.isFinite);
    const most = sizes.every((value) => value >= 0 && value <= 1) ? 1 : Math.max(...sizes.map(Math.abs));
    const shown = order.slice(0, MOST_BARS).map((i) => this.line(block, places[i], now[i], before[i], most));
    const more = each > MOST_BARS ? `the ${MOST_BARS} largest of ${thousands(each)}` : "";
    return make(
      "div",
      { class: "answer" },
      this.network.outputs.length > 1 && make("h3", {}, name),
      make("ol", {}, shown),
      make("p", { class: "hint" }, more),
      this.winner(block, now, before),
    );
  }

  /** A large output, such as a picture: it is looked at where it stands. */
  elsewhere(block, name, each) {
    const open = make("button", { type: "button", onclick: () => this.state.look(block.layer) }, "open its layer");
    return make("p", { class: "answer" }, `${name}: ${thousands(each)} numbers, `, open);
  }

  line(block, place, now, before, most) {
    const index = this.network.index(block, place);
    const words = block.shape.length === 2 ? along(block, 1, index[1], this.head) : placeWords(block, index, this.head);
    const share = (value) => `${Number.isFinite(value) ? (Math.abs(value) / most) * 100 : 0}%`;
    const bar = make("span", { class: `fill ${now < 0 ? "negative" : ""}` });
    const old = make("span", { class: "old" });
    bar.style.width = share(now);
    old.style.left = share(before);
    const text = same(now, before) ? brief(now) : `${brief(now)} (was ${brief(before)})`;
    return make(
      "li",
      {},
      make("button", { type: "button", onclick: () => this.state.select(place) }, words),
      make("span", { class: "track", "aria-hidden": "true" }, bar, !same(now, before) && old),
      make("span", { class: "number" }, text),
    );
  }

  /** The class that wins, and which one did. */
  winner(block, now, before) {
    const [is, was] = [this.classOf(block, now), this.classOf(block, before)];
    if (is === null) return null;
    return make(
      "p",
      { class: "winner", role: "status" },
      "answer: ",
      make("b", {}, is),
      is !== was && ` (in the file: ${was ?? "none"})`,
    );
  }

  /** The class with the largest output, or of two classes the one on this side of the threshold; null where there is none. */
  classOf(block, values) {
    if (values.some(Number.isNaN)) return null;
    const { labels } = this.head;
    if (values.length === 1) return labels.length === 2 ? labels[values[0] >= THRESHOLD ? 1 : 0] : null;
    if (!block.shares && labels.length !== values.length) return null;
    return along(block, block.shape.length - 1, values.indexOf(Math.max(...values)), this.head);
  }

  showSliders() {
    const shown = this.state.sliders.map((place) => this.slider(place));
    if (this.sliders.contains(document.activeElement) && shown.length === this.sliders.children.length) {
      this.state.sliders.forEach((place, k) => {
        this.sliders.children[k].querySelector("output").textContent = brief(this.network.value(place));
      });
      return;
    }
    this.sliders.replaceChildren(...shown);
  }

  slider(place) {
    const block = this.network.at(place);
    const words = placeWords(block, this.network.index(block, place), this.head);
    const values = this.network.file.subarray(block.start, block.start + block.size);
    const low = values.reduce((a, b) => Math.min(a, b), Math.min(0, this.network.value(place)));
    const high = values.reduce((a, b) => Math.max(a, b), Math.max(1, this.network.value(place)));
    const said = make("output", {}, brief(this.network.value(place)));
    let joined = false;
    const range = make("input", {
      type: "range",
      min: low,
      max: high,
      step: (high - low) / 200,
      value: this.network.value(place),
      "aria-label": words,
      oninput: () => {
        this.state.change([[place, Number(range.value)]], joined);
        joined = true;
      },
      onchange: () => {
        joined = false;
      },
    });
    const away = make(
      "button",
      {
        type: "button",
        "aria-label": `no slider for ${words}`,
        onclick: () => {
          this.state.sliders = this.state.sliders.filter((other) => other !== place);
          this.state.tell("look");
        },
      },
      "×",
    );
    return make("div", { class: "slider" }, make("label", {}, words, range), said, away);
  }
}
