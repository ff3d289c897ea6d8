// The microphone and the loudspeaker of a call, and the tones of its keys.

const TONES = { rows: [697, 770, 852, 941], columns: [1209, 1336, 1477] };
const KEYS = ["123", "456", "789", "*0#"];
const TONE_S = 0.12;
// As it is, but for the echo of the loudspeaker: a browser's noise suppression and gain bend and clip a voice so
// far that the embedded STT understood none of four sentences, and a telephone has neither.
const VOICE = { echoCancellation: true, noiseSuppression: false, autoGainControl: false, channelCount: 1 };

export class Sound {
  /**
   * Asks for the microphone. Rejects with what `getUserMedia` does, so that the page can say why.
   * `told`: {frame(bytes, level), marks(names), cleared(samples), heard(level, waiting)}
   */
  static async open(told) {
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) {
      throw new DOMException("needs https", "SecurityError");
    }
    const context = new AudioContext({ latencyHint: "interactive" }); // begun by a click, so it may sound
    try {
      const [stream] = await Promise.all([
        navigator.mediaDevices.getUserMedia({ audio: VOICE }),
        context.audioWorklet.addModule(new URL("./capture-worklet.js", import.meta.url)),
        context.audioWorklet.addModule(new URL("./playback-worklet.js", import.meta.url)),
      ]);
      await context.resume();
      return new Sound(context, stream, told);
    } catch (error) {
      context.close();
      throw error;
    }
  }

  constructor(context, stream, told) {
    this.context = context;
    this.stream = stream;
    this.capture = new AudioWorkletNode(context, "capture");
    this.playback = new AudioWorkletNode(context, "playback", { numberOfInputs: 0 });
    context.createMediaStreamSource(stream).connect(this.capture).connect(context.destination); // it is silent
    this.playback.connect(context.destination);
    this.capture.port.onmessage = ({ data }) => told.frame(data.frame, data.level);
    this.playback.port.onmessage = ({ data }) => {
      if (data.marks) told.marks(data.marks);
      else if ("cleared" in data) told.cleared(data.cleared);
      else told.heard(data.level, data.waiting);
    };
  }

  play(media) {
    this.playback.port.postMessage({ media });
  }

  mark(mark) {
    this.playback.port.postMessage({ mark });
  }

  clear() {
    this.playback.port.postMessage({ clear: true });
  }

  mute(muted) {
    this.capture.port.postMessage({ muted });
  }

  /** What the caller hears of a key of their own; the server is told of the key, not of its sound. */
  tone(key) {
    const row = KEYS.findIndex((keys) => keys.includes(key));
    const { currentTime, destination } = this.context;
    const gain = new GainNode(this.context, { gain: 0.08 });
    gain.connect(destination);
    for (const frequency of [TONES.rows[row], TONES.columns[KEYS[row].indexOf(key)]]) {
      const tone = new OscillatorNode(this.context, { frequency });
      tone.connect(gain);
      tone.start(currentTime);
      tone.stop(currentTime + TONE_S);
    }
  }

  /** A recording of the server's, to its end; whoever cannot play it goes on. */
  async say(url) {
    try {
      const answer = await fetch(url);
      if (!answer.ok) return;
      const buffer = await this.context.decodeAudioData(await answer.arrayBuffer());
      const source = new AudioBufferSourceNode(this.context, { buffer });
      source.connect(this.context.destination);
      await new Promise((done) => {
        source.onended = done;
        source.start();
      });
    } catch {
      // the line is what matters, and its words stand on the page
    }
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }
}
