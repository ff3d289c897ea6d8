// Changes the rate of a signal: a windowed sinc, evaluated where each new sample lies. Pure.

const CROSSINGS = 16; // of the sinc on each side: 2 ms at 8000 Hz, by which the signal is late
const PASS = 0.9; // of the lower rate's band; the rest is where the filter falls

function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}

/** The filter's weights for each place that a new sample can have between two old ones. */
function weights(phases, half, cutoff) {
  return Array.from({ length: phases }, (_, phase) => {
    const taps = new Float32Array(2 * half);
    let sum = 0;
    for (let i = 0; i < taps.length; i += 1) {
      const t = i - half + phase / phases;
      const x = Math.PI * cutoff * t;
      taps[i] = (x === 0 ? 1 : Math.sin(x) / x) * (0.5 + 0.5 * Math.cos((Math.PI * t) / half));
      sum += taps[i];
    }
    return taps.map((tap) => tap / sum);
  });
}

/**
 * Give it samples while it is `hungry`, else take one:
 *
 *     while (true) { if (r.hungry) r.give(next()); else out(r.take()); }
 */
export class Resampler {
  constructor(fromHz, toHz) {
    const common = gcd(fromHz, toHz);
    this.step = fromHz / common;
    this.phases = toHz / common;
    const lower = Math.min(1, toHz / fromHz);
    const half = Math.ceil(CROSSINGS / lower);
    this.taps = weights(this.phases, half, PASS * lower);
    this.length = 2 * half;
    this.history = new Float32Array(2 * this.length); // twice, so that any stretch of it is in one piece
    this.at = 0;
    this.phase = 0;
    this.owed = 1; // samples needed before the next one can be taken
  }

  get hungry() {
    return this.owed > 0;
  }

  give(sample) {
    this.at = (this.at || this.length) - 1; // the newest comes first
    this.history[this.at] = this.history[this.at + this.length] = sample;
    this.owed -= 1;
  }

  take() {
    const taps = this.taps[this.phase];
    let sum = 0;
    for (let i = 0; i < this.length; i += 1) sum += taps[i] * this.history[this.at + i];
    this.phase += this.step;
    this.owed = Math.floor(this.phase / this.phases);
    this.phase %= this.phases;
    return sum;
  }
}
