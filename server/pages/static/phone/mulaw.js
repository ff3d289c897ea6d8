// G.711 μ-law at 8000 Hz, as a telephone line carries it: one byte a sample. Pure.

export const LINE_HZ = 8000;
export const FRAME_SAMPLES = 160; // 20 ms
export const SILENCE = 0xff;

const BIAS = 0x84;
const CLIP = 8159;
const SEGMENTS = 8;

function encoded(sample) {
  let magnitude = sample >> 2; // 14 bits
  const mask = magnitude < 0 ? 0x7f : 0xff;
  magnitude = Math.min(Math.abs(magnitude), CLIP) + (BIAS >> 2);
  let segment = 0;
  while (segment < SEGMENTS && magnitude > (0x40 << segment) - 1) segment += 1;
  if (segment === SEGMENTS) return 0x7f ^ mask;
  return ((segment << 4) | ((magnitude >> (segment + 1)) & 0xf)) ^ mask;
}

function decoded(byte) {
  const bits = ~byte & 0xff;
  const magnitude = (((bits & 0xf) << 3) + BIAS) << ((bits & 0x70) >> 4);
  return bits & 0x80 ? BIAS - magnitude : magnitude - BIAS;
}

const TO_MULAW = Uint8Array.from({ length: 65536 }, (_, at) => encoded(at - 32768));
const FROM_MULAW = Float32Array.from({ length: 256 }, (_, byte) => decoded(byte) / 32768);

/** The byte for a sample of -1 … 1. */
export function toMulaw(sample) {
  const pcm = Math.round(sample * 32768);
  return TO_MULAW[Math.max(-32768, Math.min(32767, pcm)) + 32768];
}

/** The sample, -1 … 1, of a byte. */
export function fromMulaw(byte) {
  return FROM_MULAW[byte];
}
