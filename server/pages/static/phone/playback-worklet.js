// The agent's audio, as the sound card asks for it; says when marks were reached and what a `clear` has done.

import { LINE_HZ } from "./mulaw.js";
import { Resampler } from "./resampler.js";
import { Ring } from "./ring.js";

const REPORT_S = 0.05;

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.ring = new Ring();
    this.resampler = new Resampler(LINE_HZ, Math.round(sampleRate));
    this.cleared = null; // samples that the last `clear` threw away, until a quantum was played behind it
    this.power = this.samples = 0;
    this.port.onmessage = ({ data }) => this.told(data);
  }

  told(message) {
    if (message.media) this.ring.media(message.media);
    else if (message.mark) this.ring.mark(message.mark);
    else if (message.clear) {
      this.cleared = (this.cleared ?? 0) + this.ring.length;
      this.ring.clear();
    }
    this.giveMarks();
  }

  process(_inputs, [[out]]) {
    for (let i = 0; i < out.length; i += 1) {
      while (this.resampler.hungry) this.resampler.give(this.ring.next());
      out[i] = this.resampler.take();
      this.power += out[i] * out[i];
    }
    this.giveMarks();
    if (this.cleared !== null) {
      this.port.postMessage({ cleared: this.cleared });
      this.cleared = null;
    }
    this.report(out.length);
    return true;
  }

  giveMarks() {
    const marks = this.ring.takeMarks();
    if (marks.length) this.port.postMessage({ marks });
  }

  report(samples) {
    this.samples += samples;
    if (this.samples < REPORT_S * sampleRate) return;
    this.port.postMessage({ level: Math.sqrt(this.power / this.samples), waiting: this.ring.length });
    this.power = this.samples = 0;
  }
}

registerProcessor("playback", Playback);
