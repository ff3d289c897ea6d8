// What the far end keeps of the agent's audio, and when it was heard: the other side of `mark` and `clear`.
// Pure. As Twilio's: marks stand between samples; one comes back when all before it was played.

import { fromMulaw, LINE_HZ } from "./mulaw.js";

const MOST_SAMPLES = 600 * LINE_HZ; // what is sent beyond ten minutes ahead is thrown away

export class Ring {
  constructor() {
    this.items = []; // Uint8Array of audio, or a mark's name
    this.at = 0; // in the first one
    this.length = 0; // samples that wait
    this.reached = []; // marks to send back, until somebody takes them
  }

  media(mulaw) {
    if (!mulaw.length || this.length + mulaw.length > MOST_SAMPLES) return;
    this.items.push(mulaw);
    this.length += mulaw.length;
  }

  mark(name) {
    this.items.push(name);
    this.pass();
  }

  /** Throws away what waits; every mark in it comes back. */
  clear() {
    this.reached.push(...this.items.filter((item) => typeof item === "string"));
    this.items = [];
    this.at = this.length = 0;
  }

  /** The next sample; silence when nothing waits. */
  next() {
    if (!this.length) return 0;
    const sample = fromMulaw(this.items[0][this.at]);
    this.at += 1;
    this.length -= 1;
    if (this.at === this.items[0].length) {
      this.items.shift();
      this.at = 0;
      this.pass();
    }
    return sample;
  }

  takeMarks() {
    return this.reached.splice(0);
  }

  /** Marks in front of everything that waits were reached. */
  pass() {
    while (typeof this.items[0] === "string") this.reached.push(this.items.shift());
  }
}
