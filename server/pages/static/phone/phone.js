// A call of this browser's: it asks the webhook, obeys its TwiML, holds the stream, and asks what follows.

import { Line } from "./line.js";
import { Sound } from "./sound.js";
import { has, say } from "./texts.js";
import { verbs } from "./twiml.js";
import { View } from "./view.js";

const MOST_DOCUMENTS = 10; // of TwiML in one call
const links = document.getElementById("phone").dataset;
const view = new View();
let call = null;

/** Posts as the page; gives what the server answers. Raises Trouble. */
async function post(url, fields = {}) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "X-CSRF-Token": links.csrf },
      body: new URLSearchParams(fields),
    });
  } catch {
    throw new Trouble("noServer");
  }
  if (answer.status === 401 || answer.status === 403) throw new Trouble("loggedOut");
  if (!answer.ok) throw new Trouble("noServer");
  return answer.json();
}

class Trouble extends Error {}

class Call {
  constructor() {
    this.line = null;
    this.streams = 0;
    this.hungUp = false;
    this.startedAt = 0;
    this.gone = new Promise((resolve) => {
      this.go = resolve; // the caller hangs up: nothing is waited for any more
    });
  }

  /** To its end; gives how it ended, as a text of the page. */
  async run() {
    view.status(say("asking"));
    const opening = Sound.open({
      frame: (bytes, level) => {
        this.line?.media(bytes);
        view.levels({ mine: level });
        if (this.startedAt) view.time(performance.now() - this.startedAt);
      },
      marks: (names) => names.forEach((name) => this.line?.mark(name)),
      cleared: (samples) => this.line.ready && view.cleared(samples),
      heard: (level, waiting) => {
        view.levels({ theirs: level });
        view.waiting(waiting);
      },
    });
    await Promise.race([opening, this.gone]);
    if (this.hungUp) {
      opening.then((sound) => sound.close(), () => {});
      return say("youHungUp");
    }
    this.sound = await opening;
    view.status(say("calling"));
    this.answer = await post(links.call);
    for (let documents = 0; documents < MOST_DOCUMENTS; documents += 1) {
      const ending = await this.obey(verbs(this.answer.twiml));
      if (ending) return ending;
    }
    return say("failed");
  }

  /** One document; its ending, or nothing when there is another one. */
  async obey(document) {
    let played = "";
    for (const verb of document) {
      if (this.hungUp) return say("youHungUp");
      if (verb.verb === "play") {
        played = verb.name;
        view.played(played);
        await Promise.race([this.sound.say(links.media.replace("NAME", played)), this.gone]);
      } else if (verb.verb === "stream") {
        return this.stream(verb.parameters);
      } else {
        return this.ending(verb, played);
      }
    }
    return say("agentHungUp");
  }

  ending({ verb, number }, played) {
    if (this.hungUp) return say("youHungUp");
    if (verb === "reject") return say("rejected");
    if (verb === "dial") return say(this.streams ? "dialled" : "busyDialled", number);
    if (!this.streams) return say("busy");
    return say(played ? "failed" : "agentHungUp");
  }

  async stream(parameters) {
    if (this.streams) view.status(say("resumed"));
    this.streams += 1;
    const how = await new Promise((over) => this.open(parameters, over));
    this.sound.clear();
    if (how === "refused") return say("refused");
    try {
      const fields = { ticket: this.answer.ticket, stream_sid: this.line.streamSid };
      this.answer = await post(links.ended, this.hungUp ? { ...fields, hung_up: "1" } : fields);
    } catch (error) {
      if (this.hungUp) return say("youHungUp");
      throw how === "lost" && error.message === "noServer" ? new Trouble("lost") : error;
    }
    return "";
  }

  open(parameters, over) {
    const url = new URL(links.socket, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const { sound } = this;
    this.line = new Line(
      { ...this.answer, url, parameters },
      {
        media: (bytes) => sound.play(bytes),
        mark: (name) => sound.mark(name),
        clear: () => sound.clear(),
        agent: (told) => view.agent(told),
        stands: () => this.begins(),
        over,
      },
    );
  }

  begins() {
    this.startedAt ||= performance.now();
    if (this.streams === 1) view.status(say("talking"));
    view.keys(true);
  }

  press(key) {
    this.sound.tone(key);
    this.line?.dtmf(key);
  }

  hangUp() {
    this.hungUp = true;
    this.go();
    this.line?.hangUp();
  }

  close() {
    this.sound?.close();
  }
}

async function begin() {
  call = new Call();
  view.begin();
  view.inCall(true);
  let ending = ["", false];
  try {
    ending = [await call.run(), false];
  } catch (error) {
    ending = [why(error), true];
  }
  call.close();
  call = null;
  view.keys(false);
  view.inCall(false);
  view.status(...ending);
}

function why(error) {
  if (error instanceof Trouble) return say(error.message);
  return has(error.name) ? say(error.name) : say("noSound", error.message);
}

document.getElementById("call").addEventListener("click", () => {
  if (call) call.hangUp();
  else begin();
});
document.getElementById("mute").addEventListener("click", ({ target }) => {
  const muted = target.getAttribute("aria-pressed") !== "true";
  call?.sound?.mute(muted);
  view.muted(muted);
});
for (const key of document.querySelectorAll(".key")) {
  key.addEventListener("click", () => call?.press(key.dataset.key));
}
document.addEventListener("keydown", ({ key, ctrlKey, metaKey, altKey }) => {
  if (call && !ctrlKey && !metaKey && !altKey && /^[0-9*#]$/.test(key)) call.press(key);
});
window.addEventListener("pagehide", () => call?.hangUp());
document.getElementById("call").disabled = false; // from now on a press is heard
