// What the server wants done with the call: TwiML, as Twilio obeys it.

/** Of a document: [{verb: "stream", parameters}, {verb: "play", name}, {verb: "dial", number}, …], in order. */
export function verbs(text) {
  const xml = new DOMParser().parseFromString(text, "text/xml");
  if (xml.documentElement.tagName !== "Response") throw new Error("no TwiML");
  return Array.from(xml.documentElement.children, read);
}

function read(element) {
  const text = element.textContent.trim();
  switch (element.tagName) {
    case "Connect":
      return { verb: "stream", parameters: parameters(element) };
    case "Play":
      return { verb: "play", name: text.match(/([a-z_]+)\.wav$/)?.[1] ?? "" };
    case "Dial":
      return { verb: "dial", number: text };
    case "Reject":
      return { verb: "reject" };
    default:
      return { verb: element.tagName.toLowerCase() };
  }
}

function parameters(connect) {
  const named = Array.from(connect.querySelectorAll("Stream > Parameter"), (one) => [
    one.getAttribute("name"),
    one.getAttribute("value"),
  ]);
  return Object.fromEntries(named);
}
