// What a test wants to know of a page: each message of its sockets with its time, and how loud the agent is.
{
  const heard = (window.heard = { sent: [], received: [], levels: [] });
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (text) {
    heard.sent.push([performance.now(), JSON.parse(text)]);
    return send.call(this, text);
  };
  window.WebSocket = class extends WebSocket {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => heard.received.push([performance.now(), JSON.parse(data)]));
    }
  };
  const { connect } = AudioNode.prototype;
  AudioNode.prototype.connect = function (to, ...how) {
    if (to instanceof AudioDestinationNode && this.numberOfInputs === 0) {
      const analyser = new AnalyserNode(this.context, { fftSize: 512 });
      const samples = new Float32Array(512);
      connect.call(this, analyser);
      setInterval(() => {
        analyser.getFloatTimeDomainData(samples);
        const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
        heard.levels.push([performance.now(), rms]);
      }, 20);
    }
    return connect.call(this, to, ...how);
  };
}
