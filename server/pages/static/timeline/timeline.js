// The picture of a call: draws what server/timeline gives, in every element of the class "timeline".
// Data comes from the element's data-src, or stands in the file (#timeline-data). What callers have said
// reaches the page as text only: by textContent, or drawn.
"use strict";
(() => {
  const TEXTS = {
    he: {
      zoomIn: "הגדלה", zoomOut: "הקטנה", fit: "כל השיחה", prev: "ההחלטה הקודמת", next: "ההחלטה הבאה",
      play: "ניגון", pause: "עצירה", other: "English", otherLang: "en",
      flags: "החלטות", caller: "המתקשר", level: "עוצמה מול הסף", state: "מצב", agent: "נשמע מהסוכן",
      gap: "המתנה", seconds: "שנ׳", stt: "STT", llm: "LLM", tts: "TTS",
      LISTENING: "מקשיב", THINKING: "חושב", SPEAKING: "מדבר",
      missed: "לא נענה", falseCut: "קטיעת שווא", cut: "קטיעה", taken: "נלקח בחזרה",
      copy: "העתקה", copied: "הועתק", replay: "פקודת השחזור", pin: "לקבע כמבחן, עד הרגע שנבחר",
      story: "מה קרה, תור אחר תור", legend: "איך קוראים את זה", lacks: "מה חסר כאן",
      pick: "החלטה, תור או רגע שנבחרו יוסברו כאן.", loading: "נטען…", failed: "אי אפשר לטעון את ציר הזמן.",
      label: "ציר הזמן של השיחה, משמאל לימין",
      keys: "חיצים: הזזה. + −: הגדלה והקטנה. 0: כל השיחה. n, p: ההחלטה הבאה והקודמת. רווח: ניגון. לחיצה מנגנת מאותה שנייה.",
      keysSilent: "חיצים: הזזה. + −: הגדלה והקטנה. 0: כל השיחה. n, p: ההחלטה הבאה והקודמת. לשיחה אין הקלטה.",
      turn: "תור",
      bars: { done: "הסתיים", cancelled: "בוטל", failed: "נכשל", open: "לא ידוע איך הסתיים" },
      early: "התחיל מוקדם (B3)", first: "ראשון אחרי", took: "נמשך", speech: "דיבור", bar: "סף",
      how: [
        ["caller", "גל המתקשר; תחתיו המילים, כל אחת בערך בזמן שלה"],
        ["agent", "מה שנשמע מהסוכן; מילים מחוקות: הוא התכוון לומר והמתקשר לא שמע"],
        ["bar", "הסף שעוצמת המתקשר צריכה לעבור; הוא זז עם הרעש ועם קול הסוכן"],
        ["speech", "ההסתברות של מודל הדיבור, מ־0 עד 1"],
        ["good", "המתנה טובה (לפי העקומה של EVA: חצי שנייה עד שתיים)"],
        ["soso", "קצרה או ארוכה מדי"], ["bad", "ארוכה מאוד, לא נענה, או כישלון"],
        ["hatch", "מקווקו: הותחל ובוטל, או נשלח ונלקח בחזרה"],
      ],
    },
    en: {
      zoomIn: "Zoom in", zoomOut: "Zoom out", fit: "Whole call", prev: "Previous decision", next: "Next decision",
      play: "Play", pause: "Pause", other: "עברית", otherLang: "he",
      flags: "decisions", caller: "caller", level: "level, bar", state: "state", agent: "agent, as heard",
      gap: "gaps", seconds: "s", stt: "STT", llm: "LLM", tts: "TTS",
      LISTENING: "listening", THINKING: "thinking", SPEAKING: "speaking",
      missed: "not answered", falseCut: "false barge-in", cut: "barge-in", taken: "taken back",
      copy: "Copy", copied: "Copied", replay: "The replay command", pin: "Pin as a test, up to the chosen moment",
      story: "What happened, turn by turn", legend: "How to read this", lacks: "What is missing here",
      pick: "A decision, a turn or a moment that you choose is explained here.",
      loading: "Loading…", failed: "The timeline cannot be loaded.",
      label: "Timeline of the call, left to right",
      keys: "Arrows: move. + −: zoom. 0: the whole call. n, p: next and previous decision. Space: play. A click plays from that second.",
      keysSilent: "Arrows: move. + −: zoom. 0: the whole call. n, p: next and previous decision. The call has no recording.",
      turn: "Turn",
      bars: { done: "done", cancelled: "cancelled", failed: "failed", open: "nobody knows how it ended" },
      early: "begun early (B3)", first: "first after", took: "took", speech: "speech", bar: "bar",
      how: [
        ["caller", "the caller's wave; below it their words, each at about its time"],
        ["agent", "what was heard of the agent; words struck out were to be said and not heard"],
        ["bar", "the level that the caller has to be above; it moves with noise and with the agent's voice"],
        ["speech", "the speech model's probability, 0 to 1"],
        ["good", "a good wait (by EVA's curve: half a second to two)"],
        ["soso", "too short, or long"], ["bad", "very long, not answered, or a failure"],
        ["hatch", "hatched: begun and cancelled, or sent and taken back"],
      ],
    },
  };
  const COLOURS = ["ink", "muted", "line", "paper", "caller", "agent", "bar", "speech", "good", "soso", "bad",
    "listening", "thinking", "speaking", "band"];
  const LANES = [["flags", 66], ["caller", 50], ["callerWords", 20], ["level", 58], ["state", 18], ["agent", 50],
    ["agentWords", 20], ["gap", 20], ["stt", 22], ["llm", 22], ["tts", 22]];
  const FRAME_MS = 20, AXIS = 24, GUTTER = 118, NARROW = 700, LABEL_ROW = 14, FLAG_ROWS = 4;
  const LEAST_SPAN_MS = 500, FLOOR_DB = -64, STEPS = 4, LOW_DB = -54, UNJUDGED = 255, SURE = 200;
  const TICKS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
  const FONT = '12px system-ui, "Segoe UI", "Noto Sans Hebrew", Arial, sans-serif';
  const PLAY_LEAD_MS = 300;
  const TELLING = [/^[GF]/, /^D/, /^[CE]|A[5-7]/, /^B3/, /./]; // rules, by how much a decision of theirs tells

  const decibels = (level) => level / STEPS + FLOOR_DB;
  const heightOf = (level) => Math.min(1, Math.max(0, 1 - decibels(level) / LOW_DB));
  const clockOf = (ms, digits = 1) => {
    const minutes = Math.floor(ms / 60000);
    const seconds = Math.floor((ms - minutes * 60000) / 10 ** (3 - digits)) / 10 ** digits;
    return `${minutes}:${seconds.toFixed(digits).padStart(digits ? 3 + digits : 2, "0")}`;
  };
  const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // ---- the data, made ready

  function ready(data) {
    const levels = data.levels.map((one) => {
      const caller = bytesOf(one.caller);
      return { at: one.at, caller, wave: one.wave ? bytesOf(one.wave) : caller, agent: bytesOf(one.agent),
        bar: bytesOf(one.bar), speech: one.speech ? bytesOf(one.speech) : null };
    });
    const flags = data.flags.filter((flag) => flag.what !== "unheard").sort((one, other) => one.at - other.at);
    const groups = new Map();
    for (const word of data.words) {
      const key = `${word.turn} ${word.who} ${word.heard}`;
      if (!groups.has(key)) groups.set(key, { who: word.who, heard: word.heard, turn: word.turn, words: [] });
      groups.get(key).words.push(word);
    }
    for (const group of groups.values()) {
      group.from = group.words[0].at;
      group.to = group.words[group.words.length - 1].to;
      group.text = group.words.map((word) => word.text).join(" ");
    }
    return { ...data, levels, flags, groups: [...groups.values()], length: Math.max(1000, data.length) };
  }

  // ---- drawing; everything here knows a context, a scale and what is to be drawn

  class Picture {
    constructor(data) {
      this.data = data;
      this.from = 0;
      this.to = data.length;
      this.hits = [];
      this.playhead = null;
      this.chosen = null;
    }

    of(canvas, texts) {
      this.canvas = canvas;
      this.context = canvas.getContext("2d");
      this.texts = texts;
    }

    layout() {
      this.width = this.canvas.parentElement.clientWidth;
      this.narrow = this.width < NARROW;
      this.left = this.narrow ? 0 : GUTTER;
      this.lanes = {};
      let top = AXIS;
      for (const [name, height] of LANES) {
        const known = this.data.levels.length || name === "flags" || name.endsWith("Words");
        const labelled = this.narrow && (!name.endsWith("Words") || !this.data.levels.length);
        this.lanes[name] = { top: top + (known ? (labelled ? LABEL_ROW : 3) : 0), height: known ? height : 0 };
        top = this.lanes[name].top + this.lanes[name].height;
      }
      this.height = top + 6;
      const ratio = window.devicePixelRatio || 1;
      this.canvas.width = Math.round(this.width * ratio);
      this.canvas.height = Math.round(this.height * ratio);
      this.canvas.style.height = `${this.height}px`;
      this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const style = getComputedStyle(this.canvas);
      this.colours = Object.fromEntries(
        COLOURS.map((name) => [name, style.getPropertyValue(`--tl-${name}`).trim() || "#888"]));
      this.hatched = {};
    }

    x(ms) {
      return this.left + ((ms - this.from) / (this.to - this.from)) * (this.width - this.left);
    }

    at(x) {
      return this.from + ((x - this.left) / (this.width - this.left)) * (this.to - this.from);
    }

    // Hatching of a colour, made once.
    hatch(name) {
      if (!this.hatched[name]) {
        const tile = document.createElement("canvas");
        tile.width = tile.height = 6;
        const pen = tile.getContext("2d");
        pen.strokeStyle = this.colours[name];
        pen.lineWidth = 1.5;
        pen.beginPath();
        for (const shift of [-6, 0, 6]) { pen.moveTo(shift, 6); pen.lineTo(shift + 6, 0); }
        pen.stroke();
        this.hatched[name] = this.context.createPattern(tile, "repeat");
      }
      return this.hatched[name];
    }

    draw() {
      const pen = this.context;
      this.hits = [];
      pen.clearRect(0, 0, this.width, this.height);
      pen.font = FONT;
      pen.textBaseline = "middle";
      pen.direction = "ltr";
      this.grid();
      pen.save();
      pen.beginPath();
      pen.rect(this.left, 0, this.width - this.left, this.height);
      pen.clip();
      for (const levels of this.data.levels) this.waves(levels);
      this.states();
      this.cuts();
      this.gaps();
      for (const kind of ["stt", "llm", "tts"]) this.providers(kind);
      this.words("caller", this.lanes.callerWords);
      this.words("agent", this.lanes.agentWords);
      this.marks();
      this.flags();
      if (this.playhead !== null) this.stem(this.playhead, this.colours.ink, 0, this.height, 2);
      pen.restore();
      this.names();
    }

    visible(from, to) {
      return to >= this.from && from <= this.to;
    }

    box(from, to, top, height, fill) {
      const begin = Math.max(this.left - 2, this.x(from)), end = Math.min(this.width + 2, this.x(to));
      this.context.fillStyle = fill;
      this.context.fillRect(begin, top, Math.max(1.5, end - begin), height);
      return [begin, Math.max(begin + 1.5, end)];
    }

    hit(x0, x1, top, height, item) {
      this.hits.push({ x0: Math.min(x0, x1 - 6), x1: Math.max(x1, x0 + 6), top, bottom: top + height, item });
    }

    stem(ms, colour, top, bottom, width = 1) {
      const pen = this.context, x = Math.round(this.x(ms)) + 0.5;
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.moveTo(x, top);
      pen.lineTo(x, bottom);
      pen.stroke();
      return x;
    }

    text(text, x, y, colour, align = "left") {
      this.context.textAlign = align;
      this.context.fillStyle = colour;
      this.context.fillText(text, x, y);
    }

    grid() {
      const pen = this.context, span = (this.to - this.from) / 1000, room = this.width - this.left;
      const step = TICKS_S.find((one) => (one / span) * room >= 64) || TICKS_S[TICKS_S.length - 1];
      for (const [name, { top, height }] of Object.entries(this.lanes)) {
        pen.fillStyle = this.colours.band;
        if (name !== "state") pen.fillRect(this.left, top, room, height);
      }
      for (let n = Math.ceil(this.from / 1000 / step); n * step * 1000 <= this.to; n++) {
        const x = this.stem(n * step * 1000, this.colours.line, AXIS - 5, this.height);
        const text = clockOf(Math.round(n * step * 1000), step < 1 ? 1 : 0), half = pen.measureText(text).width / 2;
        if (x - half > this.left && x + half < this.width) this.text(text, x, AXIS / 2, this.colours.muted, "center");
      }
    }

    names() {
      for (const [name, { top, height }] of Object.entries(this.lanes)) {
        if (!height || (name.endsWith("Words") && this.data.levels.length)) continue;
        const y = this.narrow ? top - LABEL_ROW / 2 : top + height / 2;
        this.text(this.texts[name.replace("Words", "")], this.narrow ? 4 : this.left - 8, y, this.colours.muted,
          this.narrow ? "left" : "right");
      }
    }

    // Calls give(x, width, first frame, frame behind the last) for each column of the picture.
    columns(at, frames, give) {
      const first = Math.max(0, Math.floor((this.from - at) / FRAME_MS));
      const last = Math.min(frames, Math.ceil((this.to - at) / FRAME_MS));
      const step = Math.max(1, (this.to - this.from) / (this.width - this.left) / FRAME_MS);
      for (let begin = first; begin < last; begin += step) {
        const end = Math.max(Math.floor(begin) + 1, Math.floor(begin + step));
        give(this.x(at + begin * FRAME_MS), this.x(at + (begin + step) * FRAME_MS), Math.floor(begin), Math.min(end, last));
      }
    }

    waves({ at, caller, wave, agent, bar, speech }) {
      this.wave(at, wave, this.lanes.caller, this.colours.caller);
      this.wave(at, agent, this.lanes.agent, this.colours.agent);
      const { top, height } = this.lanes.level;
      const line = (bytes, y, colour, width) => {
        const pen = this.context;
        pen.strokeStyle = colour;
        pen.lineWidth = width;
        pen.beginPath();
        this.columns(at, bytes.length, (x0, x1, first, last) => {
          const height = y(most(bytes, first, last));
          pen.lineTo(x0, height);
          pen.lineTo(x1, height);
        });
        pen.stroke();
      };
      const pen = this.context, y = (level) => top + height - heightOf(level) * height;
      pen.fillStyle = this.colours.caller;
      pen.globalAlpha = 0.45;
      this.columns(at, caller.length, (x0, x1, first, last) => {
        const level = y(most(caller, first, last));
        pen.fillRect(x0, level, x1 - x0 + 0.5, top + height - level);
      });
      pen.globalAlpha = 1;
      if (speech) {
        const judged = (value) => (value === UNJUDGED ? 0 : value / SURE);
        line(speech, (value) => top + height - judged(value) * (height - 2) - 1, this.colours.speech, 1);
      }
      if (bar.length) line(bar, y, this.colours.bar, 1.6);
    }

    wave(at, bytes, { top, height }, colour) {
      const pen = this.context, middle = top + height / 2;
      pen.fillStyle = colour;
      this.columns(at, bytes.length, (x0, x1, first, last) => {
        const half = Math.max(0.4, (heightOf(most(bytes, first, last)) * height) / 2);
        pen.fillRect(x0, middle - half, x1 - x0 + 0.5, 2 * half);
      });
    }

    states() {
      const { top, height } = this.lanes.state;
      for (const one of this.data.states.filter((state) => this.visible(state.from, state.to))) {
        const [x0, x1] = this.box(one.from, one.to, top, height, this.colours[one.state.toLowerCase()]);
        this.inside(this.texts[one.state] || one.state, Math.max(x0, this.left), x1, top + height / 2, this.colours.ink);
        this.hit(x0, x1, top, height, { kind: "state", one });
      }
    }

    // Text that is drawn only where it fits.
    inside(text, x0, x1, y, colour) {
      const width = this.context.measureText(text).width;
      if (width + 4 <= x1 - x0) this.text(text, (x0 + x1) / 2, y, colour, "center");
      return width + 4 <= x1 - x0;
    }

    cuts() {
      const { top, height } = this.lanes.agent;
      if (!height) return;
      for (const one of this.data.clears) {
        if (!this.visible(one.at, one.at + one.ms)) continue;
        const [x0, x1] = this.box(one.at, one.at + one.ms, top + height - 12, 12, this.hatch("muted"));
        this.hit(x0, x1, top + height - 12, 12, { kind: "clear", one });
      }
      for (const one of this.data.barge_ins) {
        if (!this.visible(one.at, one.to)) continue;
        const colour = one.false ? this.colours.soso : this.colours.bar;
        const [x0, x1] = this.box(one.at, one.to, top, 5, colour);
        this.stem(one.at, colour, top, top + height, 1.5);
        this.hit(x0, x1, top, 9, { kind: "cut", one });
      }
    }

    gaps() {
      const { top, height } = this.lanes.gap, pen = this.context;
      for (const one of this.data.gaps.filter((gap) => this.visible(gap.from, gap.to))) {
        const tone = one.ms === null ? "bad" : one.score >= 0.99 ? "good" : one.score >= 0.5 ? "soso" : "bad";
        const [x0, x1] = this.box(one.from, one.to, top, height, one.ms === null ? this.hatch(tone) : this.colours[tone]);
        const text = one.ms === null ? this.texts.missed : `${(one.ms / 1000).toFixed(2)}`;
        if (one.ms === null) {
          pen.strokeStyle = this.colours.bad;
          pen.lineWidth = 1.5;
          pen.strokeRect(x0, top + 1, x1 - x0, height - 2);
        } else {
          this.inside(text, Math.max(x0, this.left), x1, top + height / 2, this.colours.paper);
        }
        this.hit(x0, x1, top, height, { kind: "gap", one });
      }
    }

    providers(kind) {
      const { top, height } = this.lanes[kind], pen = this.context, half = height / 2 - 1;
      const ends = [-Infinity, -Infinity];
      for (const one of this.data.providers.filter((asked) => asked.kind === kind)) {
        const row = ends[0] <= one.from ? 0 : 1, y = top + row * (half + 1) + 1;
        ends[row] = Math.max(ends[row], one.to);
        if (!this.visible(one.from, one.to)) continue;
        const failed = one.end === "failed", cancelled = one.end === "cancelled";
        const colour = failed ? "bad" : one.early ? "speech" : kind === "stt" ? "caller" : "agent";
        pen.globalAlpha = 0.35;
        const [x0, x1] = this.box(one.from, one.to, y, half - 1, cancelled ? this.hatch(colour) : this.colours[colour]);
        pen.globalAlpha = 1;
        if (cancelled) this.box(one.from, one.to, y, half - 1, this.hatch(colour));
        else if (one.first !== null) this.box(one.first, one.to, y, half - 1, this.colours[colour]);
        pen.strokeStyle = this.colours[colour];
        pen.lineWidth = 1;
        pen.strokeRect(x0 + 0.5, y + 0.5, Math.max(1, x1 - x0 - 1), half - 2);
        if (failed) this.text("✕", Math.max(x0, this.left) - 1, y + half / 2, this.colours.bad, "right");
        this.hit(x0, x1, y, half, { kind: "provider", one });
      }
    }

    // A turn's words: each at its time where they fit, else all of them as far as there is room. What was not
    // heard ends where the agent is heard again.
    words(who, { top, height }) {
      const pen = this.context, y = top + height / 2, until = [-Infinity];
      const groups = this.data.groups.filter((group) => group.who === who);
      pen.direction = "rtl";
      for (const group of groups) {
        const next = group.heard ? undefined : groups.find((one) => one.heard && one.from > group.from);
        const to = next ? Math.min(group.to, next.from) : group.to;
        if (!this.visible(group.from, to)) continue;
        const x0 = Math.max(this.left, this.x(group.from)), x1 = Math.min(this.width, this.x(to));
        const colour = group.heard ? this.colours.ink : this.colours.bad;
        if (pen.measureText(group.text).width <= this.x(to) - this.x(group.from)) {
          for (const word of group.words) {
            if (word.at >= to || !this.visible(word.at, word.to)) continue;
            this.word(word.text, this.x(word.at), this.x(Math.min(word.to, to)), y, colour, !group.heard, until);
          }
        } else {
          this.word(this.cut(group.text, x1 - x0 - 6), x0, x1, y, colour, !group.heard, until);
        }
        this.hit(x0, x1, top, height, { kind: "words", one: group });
      }
      pen.direction = "ltr";
    }

    word(text, x0, x1, y, colour, struck, until) {
      if (!text) return;
      const pen = this.context, width = pen.measureText(text).width, middle = (x0 + x1) / 2;
      if (middle - width / 2 < until[0]) return;
      until[0] = middle + width / 2;
      this.text(text, middle, y, colour, "center");
      if (!struck) return;
      pen.fillStyle = colour;
      pen.fillRect(middle - width / 2, y - 0.5, width, 1.3);
    }

    cut(text, room) {
      const pen = this.context;
      if (room < 14) return "";
      let low = 0, high = text.length;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (pen.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle;
        else high = middle - 1;
      }
      return low < 2 ? "" : `${text.slice(0, low)}…`;
    }

    // Where a part begins, and how the call ends.
    marks() {
      for (const part of this.data.parts.slice(1)) this.stem(part.at, this.colours.ink, AXIS - 5, this.height, 2);
      const { level, flags } = this.lanes, first = 9 + (level.height ? level.top : flags.top + flags.height - 20);
      let before = null, row = 0;
      for (const one of this.data.ends) {
        if (!this.visible(one.at, one.at)) continue;
        const x = this.stem(one.at, this.colours.bad, AXIS - 5, this.height, 1.5);
        const text = (this.texts === TEXTS.he && one.text_he) || one.text;
        const beside = x - this.left > this.context.measureText(text).width + 8;
        if (one.at !== before) row = 0;
        if (beside) this.text(text, x - 5, first + 14 * row++, this.colours.bad, "right");
        before = one.at;
        this.hit(x - 4, x + 4, this.lanes.state.top, this.height - this.lanes.state.top, { kind: "end", one });
      }
    }

    flagColour(rule) {
      const { agent, caller, bar, speech, bad, ink } = this.colours;
      return { A: caller, B: agent, C: agent, D: bar, E: speech, F: ink, G: bad }[rule[0]] || ink;
    }

    // Where there is no room for all labels, those have it that tell most; stems first: no label is crossed.
    flags() {
      const { top, height } = this.lanes.flags, row = height / FLAG_ROWS, pen = this.context, labels = [];
      const rows = Array.from({ length: FLAG_ROWS }, () => []);
      const free = (from, to) => rows.findIndex((one) => one.every(([begin, end]) => to < begin || from > end));
      const shown = this.data.flags.filter((flag) => this.visible(flag.at, flag.at));
      const telling = (flag) => (flag === this.chosen ? -1 : TELLING.findIndex((rules) => rules.test(flag.rule)));
      for (const flag of shown.sort((one, other) => telling(one) - telling(other) || one.at - other.at)) {
        const x = this.x(flag.at), width = pen.measureText(flag.rule).width + 8, n = free(x, x + width + 1);
        const colour = flag === this.chosen ? this.colours.ink : this.flagColour(flag.rule);
        if (n >= 0) rows[n].push([x, x + width + 1]);
        labels.push({ flag, x, y: n < 0 ? null : top + n * row, width, colour });
        this.stem(flag.at, colour, n < 0 ? top + height - 5 : top + n * row, top + height);
      }
      for (const { flag, x, y, width, colour } of labels) {
        if (y === null) {
          this.hit(x - 2, x + 2, top + height - 6, 6, { kind: "flag", one: flag });
          continue;
        }
        pen.fillStyle = colour;
        pen.fillRect(x, y + 1, width, row - 2);
        this.text(flag.rule, x + 4, y + row / 2, this.colours.paper);
        this.hit(x, x + width, y, row, { kind: "flag", one: flag });
      }
      if (this.chosen) this.stem(this.chosen.at, this.colours.ink, top + height, this.height, 1.5);
    }

    under(x, y) {
      for (let n = this.hits.length - 1; n >= 0; n--) {
        const hit = this.hits[n];
        if (x >= hit.x0 && x <= hit.x1 && y >= hit.top && y <= hit.bottom) return hit.item;
      }
      return null;
    }
  }

  const most = (bytes, first, last) => {
    let found = 0;
    for (let n = first; n < last; n++) if (bytes[n] > found) found = bytes[n];
    return found;
  };

  // ---- one call on a page

  class Timeline {
    constructor(root, data, lang, own) {
      this.root = root;
      this.data = ready(data);
      this.lang = lang;
      this.sounds = this.data.sounds.map(({ at, src }) => ({ at, src, audio: null }));
      this.playing = null;
      this.pointers = new Map();
      this.picked = null; // a moment
      this.tick = this.tick.bind(this);
      this.observer = new ResizeObserver(() => {
        if (this.stage.clientWidth !== this.picture.width) this.draw(true);
      });
      window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(true));
      this.build(own);
    }

    get texts() {
      return TEXTS[this.lang];
    }

    // What the data tells in both languages, as "text" and "text_he".
    told(one, name) {
      return (this.lang === "he" && one[`${name}_he`]) || one[name];
    }

    // Made when it is first heard. "#sound-0" stands in the file, behind all else.
    sound(src) {
      const audio = new Audio(src.startsWith("#") ? document.getElementById(src.slice(1)).textContent : src);
      audio.addEventListener("ended", () => this.pause());
      return audio;
    }

    build(own) {
      const texts = this.texts;
      this.root.replaceChildren();
      this.root.dir = this.lang === "he" ? "rtl" : "ltr";
      this.root.lang = this.lang;
      if (own) this.root.append(this.headline());
      const bar = make("div", "tl-tools");
      const button = (name, symbol, does) => {
        const one = make("button", "tl-button", symbol);
        one.type = "button";
        one.title = texts[name];
        one.setAttribute("aria-label", texts[name]);
        one.addEventListener("click", does);
        bar.append(one);
        return one;
      };
      if (this.sounds.length) this.playButton = button("play", "▶", () => this.toggle());
      button("prev", "⚑ p", () => this.step(-1));
      button("next", "⚑ n", () => this.step(1));
      button("zoomIn", "+", () => this.zoom(0.5));
      button("zoomOut", "−", () => this.zoom(2));
      button("fit", texts.fit, () => this.fit());
      if (own) button("other", texts.other, () => this.speak(texts.otherLang));
      this.stage = make("div", "tl-stage");
      this.stage.tabIndex = 0;
      this.stage.dir = "ltr";
      this.stage.setAttribute("role", "group");
      this.stage.setAttribute("aria-label", texts.label);
      const keys = make("p", "tl-keys", this.sounds.length ? texts.keys : texts.keysSilent);
      keys.id = "tl-keys";
      this.stage.setAttribute("aria-describedby", keys.id);
      const canvas = make("canvas");
      canvas.setAttribute("aria-hidden", "true");
      this.tip = make("div", "tl-tip");
      this.tip.hidden = true;
      this.stage.append(canvas, this.tip);
      this.detail = make("div", "tl-detail", texts.pick);
      this.detail.setAttribute("role", "status");
      this.detail.dir = "auto";
      this.picture = this.picture || new Picture(this.data);
      this.picture.of(canvas, texts);
      this.root.append(bar, this.stage, keys, this.detail, this.commands(), this.legend(), this.lacks());
      this.buttons = new Map();
      setTimeout(() => this.root.append(this.story())); // behind the first picture
      this.listen();
      this.observer.disconnect();
      this.observer.observe(this.stage);
      this.draw(true);
    }

    // The file's own page in another language.
    speak(lang) {
      this.lang = document.documentElement.lang = lang;
      document.documentElement.dir = lang === "he" ? "rtl" : "ltr";
      this.build(true);
    }

    // With the next picture of the screen; "anew": the window or the colours are others.
    draw(anew) {
      this.anew = this.anew || anew;
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => {
        this.waiting = false;
        if (this.anew) this.picture.layout();
        this.anew = false;
        this.picture.draw();
        this.root.dataset.from = Math.round(this.picture.from);
        this.root.dataset.to = Math.round(this.picture.to);
        if (this.picture.playhead !== null) this.root.dataset.at = Math.round(this.picture.playhead);
        if (!this.marked) performance.mark("timeline-drawn");
        this.marked = true;
      });
    }

    // ---- what stands around it

    headline() {
      const head = make("header", "tl-head tl-told"), [first, ...parts] = this.told(this.data, "head");
      head.append(make("h1", "", first[0]));
      for (const line of [...first.slice(1), ...parts.flat()]) {
        head.append(make("p", "", line));
      }
      return head;
    }

    legend() {
      const box = make("details", "tl-legend");
      box.append(make("summary", "", this.texts.legend));
      const list = make("ul");
      for (const [tone, text] of this.texts.how) {
        const item = make("li");
        item.append(make("span", `tl-swatch tl-${tone}`), text);
        list.append(item);
      }
      box.append(list);
      return box;
    }

    lacks() {
      const box = make("div", "tl-lacks");
      box.hidden = !this.data.lacks.length;
      box.append(make("strong", "", this.texts.lacks));
      for (const text of this.data.lacks) {
        const p = make("p", "", text);
        p.dir = "ltr";
        box.append(p);
      }
      return box;
    }

    commands() {
      const box = make("div", "tl-commands");
      this.commandTexts = [];
      if (!this.data.logs.length) return box;
      for (const [name, command] of [["replay", () => this.replay()], ["pin", () => this.pin()]]) {
        const row = make("div", "tl-command"), code = make("code", "", command());
        const button = make("button", "tl-button", this.texts.copy);
        button.type = "button";
        button.dataset.copies = name;
        button.setAttribute("aria-label", `${this.texts.copy}: ${this.texts[name]}`);
        code.dir = "ltr";
        button.addEventListener("click", () => this.copy(code, button));
        row.append(make("span", "tl-what", this.texts[name]), button, code);
        box.append(row);
        this.commandTexts.push(() => { code.textContent = command(); });
      }
      return box;
    }

    log() {
      const at = this.picked === null ? 0 : this.picked;
      return [...this.data.logs].reverse().find((log) => log.at <= at) || this.data.logs[0];
    }

    replay() {
      return this.log().replay;
    }

    pin() {
      const log = this.log(), letters = this.data.sid.toLowerCase().replace(/[^a-z0-9]+/g, "_").slice(0, 40);
      const until = this.picked === null ? "" : ` --until ${clockOf(this.picked - log.at + log.began + 40, 2)}`;
      return `${log.replay} --pin call_${letters || "a"}${until}`;
    }

    async copy(code, button) {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = this.texts.copied;
        setTimeout(() => { button.textContent = this.texts.copy; }, 1500);
      } catch {
        getSelection().selectAllChildren(code); // for the keyboard to copy
      }
    }

    // The same for whoever does not see the picture: every turn, and a button for each flag.
    story() {
      const box = make("section", "tl-story");
      box.append(make("h2", "", this.texts.story));
      this.data.turns.forEach((turn, place) => {
        const flags = this.data.flags.filter((flag) => flag.turn === place);
        const lines = this.told(turn, "lines"), told = lines.slice(0, lines.length - flags.length);
        const item = make("article", "tl-turn tl-told");
        const head = make("h3", "", `${this.texts.turn} `), title = make("bdi", "", told[0].trim());
        head.append(title);
        item.append(head);
        for (const line of told.slice(1)) {
          item.append(make("p", "", line.trim()));
        }
        for (const flag of flags) {
          const button = make("button", "tl-flag");
          button.type = "button";
          button.append(make("bdi", "tl-time", clockOf(flag.at)), make("bdi", "", this.told(flag, "text")));
          button.addEventListener("click", () => this.choose(flag));
          this.buttons.set(flag, button);
          item.append(button);
        }
        box.append(item);
      });
      return box;
    }

    // ---- choosing

    choose(flag, quietly) {
      this.picture.chosen = flag;
      this.pickMoment(flag.at);
      const lines = [`${clockOf(flag.at)}  ${this.told(flag, "text")}`];
      const turn = this.data.turns[flag.turn];
      if (turn) lines.push(...this.told(turn, "lines").slice(0, 1).map((line) => line.trim()), ...this.saidIn(turn));
      this.tell(lines);
      for (const [one, button] of this.buttons) button.setAttribute("aria-pressed", String(one === flag));
      if (!quietly) this.reveal(flag.at);
      this.draw();
    }

    saidIn(turn) {
      return [turn.caller, turn.agent].filter(Boolean);
    }

    pickMoment(ms) {
      this.picked = ms;
      this.picture.playhead = ms;
      for (const refresh of this.commandTexts) refresh();
    }

    tell(lines) {
      this.detail.replaceChildren(...lines.map((line, n) => {
        const p = make("p", n ? "" : "tl-first", line);
        p.dir = "auto";
        return p;
      }));
    }

    step(by) {
      const { flags } = this.data, { chosen } = this.picture;
      if (!flags.length) return;
      let n = flags.indexOf(chosen);
      if (n < 0) {
        const at = this.picked === null ? this.picture.from : this.picked;
        n = by > 0 ? flags.findIndex((flag) => flag.at >= at) - 1 : flags.filter((flag) => flag.at < at).length;
        if (n === -2) n = flags.length - 2;
      }
      this.choose(flags[Math.min(flags.length - 1, Math.max(0, n + by))]);
    }

    // ---- the view

    show(from, to) {
      const length = this.data.length, span = Math.min(length, Math.max(LEAST_SPAN_MS, to - from));
      const begin = Math.min(length - span, Math.max(0, from));
      this.picture.from = begin;
      this.picture.to = begin + span;
      this.tip.hidden = true;
      this.draw();
    }

    fit() {
      this.show(0, this.data.length);
    }

    zoom(factor, around) {
      const { from, to } = this.picture, middle = around ?? this.middle();
      this.show(middle - (middle - from) * factor, middle + (to - middle) * factor);
    }

    middle() {
      const { from, to, playhead } = this.picture;
      return playhead !== null && playhead >= from && playhead <= to ? playhead : (from + to) / 2;
    }

    pan(share) {
      const { from, to } = this.picture, by = (to - from) * share;
      this.show(from + by, to + by);
    }

    reveal(ms) {
      const { from, to } = this.picture, span = to - from;
      if (ms < from || ms > to) this.show(ms - span / 2, ms + span / 2);
    }

    // ---- what is under the pointer

    explain(item, ms) {
      const { texts } = this, one = item && item.one, time = clockOf(ms, 2);
      const span = (from, to) => `\u2066${clockOf(from)}–${clockOf(to)}\u2069`;
      switch (item && item.kind) {
        case "flag": return [`${clockOf(one.at)}  ${this.told(one, "text")}`];
        case "gap": return [`${span(one.from, one.to)}  ${texts.gap}: ${this.told(one, "text")}`];
        case "words": return [`${span(one.from, one.to)}  ${texts[one.who]}${one.heard ? "" : " ✕"}`, one.text];
        case "state": return [`${span(one.from, one.to)}  ${texts[one.state] || one.state}`];
        case "cut": return [`${span(one.at, one.to)}  ${one.false ? texts.falseCut : texts.cut}`];
        case "clear": return [`${clockOf(one.at)}  ${texts.taken}: ${(one.ms / 1000).toFixed(2)} ${texts.seconds}`];
        case "end": return [`${clockOf(one.at)}  ${this.told(one, "text")}`];
        case "provider": {
          const first = one.first === null ? "" : `, ${texts.first} ${((one.first - one.from) / 1000).toFixed(2)} ${texts.seconds}`;
          const early = one.early ? `, ${texts.early}` : "";
          return [`${span(one.from, one.to)}  \u2068${texts[one.kind]}\u2069: ${texts.bars[one.end]}${early}${first}, ${texts.took} ${((one.to - one.from) / 1000).toFixed(2)} ${texts.seconds}`,
            ...(one.why ? [one.why] : [])];
        }
        default: return [this.measured(ms, time)];
      }
    }

    measured(ms, time) {
      const levels = [...this.data.levels].reverse().find((one) => one.at <= ms);
      const frame = levels ? Math.floor((ms - levels.at) / FRAME_MS) : -1;
      if (!levels || frame >= levels.caller.length) return time;
      const told = [time, `${this.texts.caller} ${decibels(levels.caller[frame]).toFixed(0)} dB`];
      if (frame < levels.bar.length) told.push(`${this.texts.bar} ${decibels(levels.bar[frame]).toFixed(0)} dB`);
      if (levels.speech && levels.speech[frame] !== UNJUDGED) told.push(`${this.texts.speech} ${(levels.speech[frame] / SURE).toFixed(2)}`);
      return told.join(" · ");
    }

    place(event) {
      const box = this.picture.canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    }

    hover(event) {
      const [x, y] = this.place(event);
      if (x < this.picture.left || y < 0) {
        this.tip.hidden = true;
        return;
      }
      const lines = this.explain(this.picture.under(x, y), Math.max(0, this.picture.at(x)));
      this.tip.replaceChildren(...lines.map((line) => {
        const p = make("p", "", line);
        p.dir = "auto";
        return p;
      }));
      this.tip.hidden = false;
      const room = this.picture.width - this.tip.offsetWidth - 4;
      this.tip.style.left = `${Math.max(4, Math.min(room, x + 14))}px`;
      this.tip.style.top = `${y + 18}px`;
    }

    press(event) {
      const [x, y] = this.place(event);
      const item = this.picture.under(x, y), ms = Math.min(this.data.length, Math.max(0, this.picture.at(x)));
      if (item && item.kind === "flag") {
        this.choose(item.one, true);
      } else {
        this.picture.chosen = null;
        this.pickMoment(ms);
        this.tell(this.explain(item, ms));
        this.draw();
      }
      if (this.sounds.length) this.play(item && item.kind === "flag" ? Math.max(0, ms - PLAY_LEAD_MS) : ms);
    }

    listen() {
      const stage = this.stage;
      stage.addEventListener("wheel", (event) => {
        event.preventDefault();
        if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan(event.deltaX / 800);
        else this.zoom(Math.min(2, Math.max(0.5, 1.0015 ** event.deltaY)), this.picture.at(this.place(event)[0]));
      }, { passive: false });
      stage.addEventListener("pointerdown", (event) => {
        this.pointers.set(event.pointerId, event.clientX);
        this.moved = 0;
        stage.setPointerCapture(event.pointerId);
      });
      stage.addEventListener("pointermove", (event) => this.move(event));
      stage.addEventListener("pointerup", (event) => {
        const alone = this.pointers.size === 1;
        if (this.pointers.delete(event.pointerId) && alone && this.moved < 6) this.press(event);
      });
      stage.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
      stage.addEventListener("pointerleave", () => { this.tip.hidden = true; });
      stage.addEventListener("keydown", (event) => this.key(event));
    }

    move(event) {
      if (!this.pointers.has(event.pointerId)) {
        if (event.pointerType !== "touch") this.hover(event);
        return;
      }
      const before = [...this.pointers.values()], by = event.clientX - this.pointers.get(event.pointerId);
      this.pointers.set(event.pointerId, event.clientX);
      this.moved += Math.abs(by);
      if (before.length === 1) {
        if (this.moved >= 6) this.pan(-by / (this.picture.width - this.picture.left));
        return;
      }
      const after = [...this.pointers.values()], apart = (two) => Math.max(20, Math.abs(two[0] - two[1]));
      const box = this.picture.canvas.getBoundingClientRect();
      this.zoom(apart(before) / apart(after), this.picture.at((after[0] + after[1]) / 2 - box.left));
    }

    key(event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const does = {
        ArrowLeft: () => this.pan(-0.15), ArrowRight: () => this.pan(0.15),
        "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), "0": () => this.fit(),
        Home: () => this.show(0, this.picture.to - this.picture.from),
        End: () => this.show(this.data.length, this.data.length + this.picture.to - this.picture.from),
        n: () => this.step(1), p: () => this.step(-1), " ": () => this.toggle(),
      }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!does) return;
      event.preventDefault();
      does();
    }

    // ---- playing

    toggle() {
      if (this.playing) this.pause();
      else this.play(this.picked ?? this.picture.from);
    }

    play(ms) {
      const sound = [...this.sounds].reverse().find((one) => one.at <= ms) || this.sounds[0];
      if (!sound) return;
      this.pause();
      this.playing = sound;
      sound.audio = sound.audio || this.sound(sound.src);
      sound.audio.currentTime = Math.max(0, ms - sound.at) / 1000;
      sound.audio.play().catch(() => this.pause());
      this.playShown("pause", "❚❚");
      requestAnimationFrame(this.tick);
    }

    pause() {
      if (this.playing) this.playing.audio.pause();
      this.playing = null;
      for (const refresh of this.commandTexts) refresh();
      if (this.playButton) this.playShown("play", "▶");
    }

    playShown(name, symbol) {
      this.playButton.textContent = symbol;
      this.playButton.title = this.texts[name];
      this.playButton.setAttribute("aria-label", this.texts[name]);
    }

    tick() {
      if (!this.playing) return;
      const ms = this.playing.at + this.playing.audio.currentTime * 1000;
      this.picture.playhead = this.picked = ms;
      if (ms > this.picture.to || ms < this.picture.from) this.show(ms, ms + this.picture.to - this.picture.from);
      this.draw();
      requestAnimationFrame(this.tick);
    }
  }

  // ---- where it stands

  async function begin(root) {
    const lang = document.documentElement.lang === "en" ? "en" : "he";
    const here = document.getElementById("timeline-data");
    if (!root.dataset.src) {
      return new Timeline(root, JSON.parse(here.textContent), lang, true);
    }
    root.textContent = TEXTS[lang].loading;
    try {
      const answer = await fetch(root.dataset.src, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      return new Timeline(root, await answer.json(), lang, false);
    } catch {
      root.textContent = TEXTS[lang].failed;
      return null;
    }
  }

  for (const root of document.querySelectorAll(".timeline")) begin(root);
})();
