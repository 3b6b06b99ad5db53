// The page comes to life.

import { surface } from "./api.js";
import { unpack } from "./data.js";
import { atNextFrame, make } from "./dom.js";
import { Explainer } from "./explain.js";
import { Graph } from "./graph.js";
import { maps } from "./maps.js";
import { Middle } from "./middle.js";
import { Network } from "./network.js";
import { Outputs } from "./outputs.js";
import { Panel } from "./panel.js";
import { save } from "./save.js";
import { State } from "./state.js";
import { Stepper } from "./stepper.js";
import { thousands } from "./words.js";

const CLOSE = 1e-9; // what the page's own numbers may differ from those at export, relative

async function load() {
  return new Network(await unpack());
}

/** The bar at the top: the title, the check mark, the way back, and how to keep changes. */
class Bar {
  constructor(state) {
    this.state = state;
    const { head } = state.network;
    const button = (text, label, work) =>
      make("button", { type: "button", title: label, "aria-label": label, onclick: work }, text);
    this.verdict = make("span", { class: "verdict", role: "status" });
    this.undo = button("↶", "undo (Ctrl+Z)", () => state.undo());
    this.redo = button("↷", "redo (Ctrl+Y)", () => state.redo());
    this.back = button("back to the file", "back to the numbers in the file", () => state.reset());
    this.save = button("save changes", "save the changed weights as a file for weightlens import", () => save(state.network));
    const only = make("input", {
      type: "checkbox",
      onchange: () => {
        state.onlyChanges = only.checked;
        state.tell("look");
      },
    });
    const about = [head.model.format, `${thousands(head.model.parameters)} parameters`].filter(Boolean).join(" · ");
    this.element = make(
      "header",
      {},
      make("h1", {}, head.title),
      make("p", { class: "about" }, about),
      this.verdict,
      make(
        "div",
        { class: "buttons", role: "toolbar", "aria-label": "changes" },
        this.undo,
        this.redo,
        this.back,
        make("label", {}, only, " only what changed"),
        this.save,
      ),
    );
    this.update("numbers");
  }

  update(what) {
    if (what !== "numbers" && what !== "look") return;
    const { network, done, undone } = this.state;
    const count = network.changes.size;
    this.undo.disabled = !done.length;
    this.redo.disabled = !undone.length;
    this.back.disabled = !count;
    this.save.disabled = ![...network.changes.keys()].some((place) => network.at(place).kind === "weight");
    if (count) {
      this.say("changed", `${thousands(count)} ${count === 1 ? "number" : "numbers"} changed`, "");
      return;
    }
    const worst = network.check();
    const title = `the worst difference of a number from the one at export, relative to its size: ${worst.toExponential(1)}`;
    if (worst <= CLOSE) this.say("right", "✓ equals the numbers at export", title);
    else this.say("wrong", "✗ differs from the numbers at export", title);
  }

  say(kind, text, title) {
    Object.assign(this.verdict, { className: `verdict ${kind}`, textContent: text, title });
  }
}

/** All parts of the page, each told of what happens. */
function show(network) {
  const state = new State(network);
  const explainer = new Explainer(network);
  const [bar, graph, outputs, panel] = [new Bar(state), new Graph(state), new Outputs(state), new Panel(state, explainer)];
  const middle = new Middle(state, maps(state));
  const stepper = new Stepper(state, middle);
  const update = (what) => {
    middle.update(what, new Set(state.shown === null ? [] : explainer.reads(state.shown).slice(0, 5000)));
    panel.update();
    if (what === "pointer") return;
    outputs.update(what);
    bar.update(what);
    if (what !== "selection") graph.update();
  };
  const pointed = atNextFrame(() => update("pointer"));
  state.listen((what) => (what === "pointer" ? pointed() : update(what)));
  document
    .getElementById("page")
    .replaceChildren(
      bar.element,
      graph.element,
      make("div", { class: "middle" }, stepper.element, middle.element),
      make("aside", {}, outputs.element, panel.element),
    );
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input")) return;
    if (event.key === "z" && !event.shiftKey) state.undo();
    else if (event.key === "y" || event.key === "Z" || event.key === "z") state.redo();
    else return;
    event.preventDefault();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => state.tell("look"));
  update("layer");
  state.recall(location.hash);
  return state;
}

const shown = load().then(show);
Object.assign(globalThis.weightlens, surface(shown));
shown.catch((error) => {
  document.getElementById("page").replaceChildren(make("p", { role: "alert" }, `This page could not be shown: ${error.message}`));
});
