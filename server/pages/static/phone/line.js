// One media stream, told and heard as Twilio does: connected, start, media, mark, dtmf, stop; media, mark, clear.
// Beside these the server sends `agent`: what it makes of the call.

import { FRAME_SAMPLES, LINE_HZ } from "./mulaw.js";

const SUBPROTOCOL = "audio.twilio.com";
const FRAME_MS = (1000 * FRAME_SAMPLES) / LINE_HZ;
const MOST_UNSENT = 128 * 1024; // bytes, some ten seconds: a network that takes nothing any more

export const hex = (bytes) =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, "0")).join("");

const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

export class Line {
  /**
   * `told`: {stands(), media(bytes), mark(name), clear(), agent(what), over(reason)}; `over` once, with "hung up" when
   * we have, "lost" when the network has, "refused" when it never stood, else "closed": the server has.
   */
  constructor({ url, ticket, callSid, accountSid, parameters }, told) {
    this.told = told;
    this.sids = { accountSid, callSid };
    this.streamSid = `MZ${hex(16)}`;
    this.sequence = this.frames = 0;
    this.reason = "";
    this.stands = false;
    this.socket = new WebSocket(url, [SUBPROTOCOL, ticket]);
    this.socket.onopen = () => this.open(parameters);
    this.socket.onmessage = ({ data }) => this.receive(data);
    this.socket.onclose = ({ code }) => this.closed(code);
  }

  open(parameters) {
    this.stands = true;
    this.socket.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    this.send("start", {
      ...this.sids,
      streamSid: this.streamSid,
      tracks: ["inbound"],
      mediaFormat: { encoding: "audio/x-mulaw", sampleRate: LINE_HZ, channels: 1 },
      customParameters: parameters,
    });
    this.told.stands();
  }

  /** A frame of 160 bytes; before the line stands, and behind its end, it is lost. */
  media(frame) {
    if (!this.ready) return;
    if (this.socket.bufferedAmount > MOST_UNSENT) {
      this.end("lost");
      return;
    }
    const timestamp = `${this.frames * FRAME_MS}`;
    this.frames += 1;
    this.send("media", { track: "inbound", chunk: `${this.frames}`, timestamp, payload: toBase64(frame) });
  }

  dtmf(digit) {
    if (this.ready) this.send("dtmf", { track: "inbound_track", digit });
  }

  mark(name) {
    if (this.ready) this.send("mark", { name });
  }

  hangUp() {
    if (this.ready) this.send("stop", this.sids);
    this.end("hung up");
  }

  get ready() {
    return !this.reason && this.socket.readyState === WebSocket.OPEN;
  }

  send(event, body) {
    this.sequence += 1;
    const { streamSid } = this;
    this.socket.send(JSON.stringify({ event, sequenceNumber: `${this.sequence}`, [event]: body, streamSid }));
  }

  receive(text) {
    if (this.reason) return;
    const { event, ...message } = JSON.parse(text);
    if (event === "media") this.told.media(fromBase64(message.media.payload));
    else if (event === "mark") this.told.mark(message.mark.name);
    else if (event === "clear") this.told.clear();
    else if (event === "agent") this.told.agent(message.agent);
  }

  closed(code) {
    const byServer = code === 1000 || code === 1005 || code === 1008;
    this.end(!this.stands ? "refused" : byServer ? "closed" : "lost");
  }

  end(reason) {
    if (this.reason) return;
    this.reason = reason;
    this.socket.close();
    this.told.over(reason);
  }
}
