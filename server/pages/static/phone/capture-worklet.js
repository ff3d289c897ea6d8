// The microphone, as a telephone line carries it: a frame of 20 ms whenever the sound card has given one.

import { FRAME_SAMPLES, LINE_HZ, SILENCE, toMulaw } from "./mulaw.js";
import { Resampler } from "./resampler.js";

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(Math.round(sampleRate), LINE_HZ);
    this.muted = false;
    this.begin();
    this.port.onmessage = ({ data }) => {
      this.muted = data.muted;
    };
  }

  begin() {
    this.frame = new Uint8Array(FRAME_SAMPLES);
    this.filled = 0;
    this.power = 0;
  }

  /** Without a source there is silence: a call's frames go on. */
  process([[channel]], [[out]]) {
    for (let i = 0; i < out.length; i += 1) {
      this.resampler.give(channel ? channel[i] : 0);
      while (!this.resampler.hungry) this.keep(this.resampler.take());
    }
    return true;
  }

  keep(sample) {
    this.frame[this.filled] = this.muted ? SILENCE : toMulaw(sample);
    if (!this.muted) this.power += sample * sample;
    this.filled += 1;
    if (this.filled < FRAME_SAMPLES) return;
    const message = { frame: this.frame, level: Math.sqrt(this.power / FRAME_SAMPLES) };
    this.begin();
    this.port.postMessage(message, [message.frame.buffer]);
  }
}

registerProcessor("capture", Capture);
