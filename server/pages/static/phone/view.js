// What the page shows. Words come from callers and models: only ever as text.

import { hebrew, say } from "./texts.js";

const MOST_LINES = 300; // of decisions
const FLOOR_DB = 50; // below full scale, where a meter shows nothing
const SHOWN_BY = {
  state: "stateIs",
  caller: "caller",
  says: "says",
  heard: "heard",
  dropped: "dropped",
  gap: "gap",
  decided: "decided",
};
const STOPS = ["D1", "D2"];
const GOES_ON = ["D4"];

const find = (id) => document.getElementById(id);

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function toEnd(list) {
  list.scrollTop = list.scrollHeight;
}

const clock = (ms) => `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

export class View {
  constructor() {
    this.begin();
  }

  /** A new call: nothing was said yet. */
  begin() {
    this.coming = null; // the caller's words so far
    this.turns = new Map(); // of the agent, by turn: {line, sentences, gap}
    this.gaps = [];
    this.clears = 0;
    find("talk").replaceChildren();
    find("why").replaceChildren();
    for (const id of ["gap", "median", "waiting"]) find(id).textContent = "–";
    find("clears").textContent = "0";
    this.muted(false);
    this.time(0);
    this.state("connecting");
  }

  status(text, bad = false) {
    find("status").textContent = text;
    find("status").classList.toggle("bad", bad);
  }

  inCall(on) {
    find("call").textContent = say(on ? "hangUp" : "call");
    find("call").classList.toggle("hang-up", on);
    find("in-call").hidden = !on;
    if (!on) this.levels({ mine: 0, theirs: 0 });
  }

  keys(on) {
    for (const key of document.querySelectorAll(".key")) key.disabled = !on;
  }

  muted(on) {
    find("mute").setAttribute("aria-pressed", on);
    find("mute").textContent = say(on ? "muted" : "mute");
  }

  time(ms) {
    find("time").textContent = clock(ms);
  }

  state(name) {
    find("state").dataset.state = name;
    find("state").textContent = say(name);
  }

  levels(levels) {
    for (const [id, rms] of Object.entries(levels)) {
      const db = 20 * Math.log10(Math.max(rms, 1e-6));
      find(id).value = Math.max(0, Math.min(1, 1 + db / FLOOR_DB));
    }
  }

  waiting(samples) {
    find("waiting").textContent = `${Math.round(samples / 8)} ms`;
  }

  /** Before each reply there is a `clear` too, which has nothing to throw away. */
  cleared(samples) {
    this.clears += samples > 0;
    find("clears").textContent = this.clears;
  }

  /** What the server tells of the call. */
  agent(told) {
    const method = SHOWN_BY[told.kind];
    if (method) this[method](told);
  }

  stateIs({ state, turn }) {
    this.state(state);
    if (state === "SPEAKING") this.turns.get(turn)?.line.classList.remove("waits");
  }

  caller({ words, final }) {
    if (!words) return;
    // An answer that is begun in a pause is known before the words that it answers.
    this.coming ??= this.line("mine", find("talk").querySelector(".waits"));
    this.coming.textContent = words;
    this.coming.classList.toggle("unsure", !final);
    if (final) this.coming = null;
    toEnd(find("talk"));
  }

  says({ turn, index, words }) {
    const said = this.turn(turn);
    said.sentences[index] = words;
    this.write(said, "", said.sentences.filter(Boolean).join(" "), "span");
  }

  heard({ turn, words }) {
    const said = this.turn(turn);
    const all = said.sentences.filter(Boolean).join(" ");
    said.line.classList.remove("waits");
    const rest = all.startsWith(words) ? all.slice(words.length).trim() : "";
    this.write(said, words, rest, "s");
  }

  /** What was never heard goes; what was stays as `heard` has left it. */
  dropped({ turn }) {
    const said = this.turns.get(turn);
    if (!said || said.words) return;
    said.line.remove();
    this.turns.delete(turn);
  }

  gap({ turn, ms }) {
    this.gaps.push(ms);
    const sorted = [...this.gaps].sort((a, b) => a - b);
    find("gap").textContent = `${ms} ms`;
    find("median").textContent = `${sorted[sorted.length >> 1]} ms`;
    const said = this.turns.get(turn);
    if (!said) return;
    said.gap = ms;
    said.line.append(this.gapOf(said));
  }

  decided({ rule, words, words_he: inHebrew, at_ms: ms }) {
    find("undecided").hidden = true;
    const list = find("why");
    const atEnd = list.scrollTop + list.clientHeight > list.scrollHeight - 40;
    const line = element("li", STOPS.includes(rule) ? "stops" : GOES_ON.includes(rule) ? "goes-on" : "");
    line.append(element("time", "", clock(ms)), element("bdi", "", hebrew ? inHebrew : words));
    list.append(line);
    if (list.childElementCount > MOST_LINES) list.firstElementChild.remove();
    if (atEnd) toEnd(list);
  }

  /** A line of the server's own that it plays, outside of any stream. */
  played(name) {
    this.line("theirs").append(element("span", "", say("recorded", name)));
  }

  line(className, before = null) {
    find("nothing").hidden = true;
    const line = element("li", className);
    find("talk").insertBefore(line, before);
    toEnd(find("talk"));
    return line;
  }

  turn(id) {
    if (!this.turns.has(id)) {
      this.turns.set(id, { line: this.line("theirs waits"), sentences: [], words: "", gap: null });
    }
    return this.turns.get(id);
  }

  /** `words` were heard; `rest` was not, or is still to come. */
  write(said, words, rest, tag) {
    said.words = words;
    said.line.replaceChildren(element("span", "", words));
    if (rest) said.line.append(words ? " " : "", element(tag, tag === "span" ? "unsure" : "", rest));
    if (said.gap !== null) said.line.append(this.gapOf(said));
    toEnd(find("talk"));
  }

  gapOf(said) {
    const gap = element("span", "gap", `${said.gap} ms`);
    gap.dir = "ltr";
    return gap;
  }
}
