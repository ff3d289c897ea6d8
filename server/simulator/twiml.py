"""TwiML: the server's instructions for the call, parsed and obeyed verb by verb."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Protocol

DIALLED = "dialled "  # with a number, the ending of a call that was transferred
MAX_DOCUMENTS = 20  # so that a <Redirect> to itself ends


class TwimlError(Exception):
    """The document is not TwiML that Twilio would accept."""


@dataclass(frozen=True)
class Play:
    url: str
    loop: int = 1


@dataclass(frozen=True)
class SayText:
    text: str
    language: str = ""


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Hangup:
    pass


@dataclass(frozen=True)
class Reject:
    reason: str = "rejected"


@dataclass(frozen=True)
class Dial:
    number: str


@dataclass(frozen=True)
class Redirect:
    url: str
    method: str = "POST"


@dataclass(frozen=True)
class Connect:
    """``<Connect><Stream>``. ``action``: fetched for TwiML when the stream has ended; None: the next verb."""

    url: str
    parameters: tuple[tuple[str, str], ...] = ()
    status_callback: str | None = None
    status_method: str = "POST"
    action: str | None = None
    method: str = "POST"
    name: str = ""


Verb = Play | SayText | Pause | Hangup | Reject | Dial | Redirect | Connect


def parse_twiml(text: str) -> tuple[Verb, ...]:
    """The verbs of a document, in order. Raises TwimlError."""
    try:
        root = ET.fromstring(text.encode("utf-8"))
    except ET.ParseError as error:
        raise TwimlError(f"12100 not XML: {error}") from error
    if root.tag != "Response":
        raise TwimlError(f"12100 the root is <{root.tag}>, not <Response>")
    return tuple(_parse_verb(element) for element in root)


def _parse_verb(element: ET.Element) -> Verb:
    text = "".join(element.itertext()).strip()
    match element.tag:
        case "Play" if text:
            return Play(text, int(element.get("loop", "1")))
        case "Say" if text:
            return SayText(text, element.get("language", ""))
        case "Pause":
            return Pause(float(element.get("length", "1")))
        case "Hangup":
            return Hangup()
        case "Reject":
            return Reject(element.get("reason", "rejected"))
        case "Dial" if text:
            return Dial(text)
        case "Redirect" if text:
            return Redirect(text, element.get("method", "POST"))
        case "Connect":
            return _parse_connect(element)
    raise TwimlError(f"12200 <{element.tag}> is empty or not a verb that is understood")


def _parse_connect(element: ET.Element) -> Connect:
    streams = element.findall("Stream")
    if len(streams) != 1 or len(element) != 1:
        raise TwimlError("12200 <Connect> must contain one <Stream>")
    stream = streams[0]
    url = stream.get("url", "")
    if not url.startswith("wss://"):
        raise TwimlError(f"31922 the stream's URL must be wss: {url!r}")
    if "?" in url:
        raise TwimlError(f"31920 a stream's URL has no query string: {url!r}")
    parameters = tuple((p.get("name", ""), p.get("value", "")) for p in stream.findall("Parameter"))
    if any(not name or len(name) + len(value) >= 500 for name, value in parameters):
        raise TwimlError("a <Parameter> needs a name, and under 500 characters with its value")
    return Connect(
        url=url,
        parameters=parameters,
        status_callback=stream.get("statusCallback"),
        status_method=stream.get("statusCallbackMethod", "POST"),
        action=element.get("action"),
        method=element.get("method", "POST"),
        name=stream.get("name", ""),
    )


class Phone(Protocol):
    """What a TwiML document can make a call do. Each method blocks until it is done."""

    hung_up: bool  # the caller has hung up: nothing further is done

    def play(self, url: str) -> None: ...

    def say(self, text: str, language: str) -> None: ...

    def pause(self, seconds: float) -> None: ...

    def connect(self, verb: Connect) -> None: ...

    def fetch(self, url: str, method: str) -> str:
        """The TwiML that the server answers. Raises TwimlError if there is none."""
        ...


def obey(document: str, phone: Phone) -> str:
    """Follows ``document`` and the documents it leads to; returns how the call ended. Raises TwimlError.

    Dialling ends the simulation: the person who answers is not the server's concern. The action of a
    <Connect> is fetched even if the caller has hung up, as Twilio does, but then not followed.
    """
    following: str | None = document
    for _ in range(MAX_DOCUMENTS):
        if following is None or phone.hung_up:
            return "caller hung up" if phone.hung_up else "end of TwiML"
        outcome = _run_document(parse_twiml(following), phone)
        if outcome.ending:
            return outcome.ending
        following = outcome.next_document
    raise TwimlError(f"more than {MAX_DOCUMENTS} documents: a loop of <Redirect>?")


@dataclass(frozen=True)
class _Outcome:
    ending: str = ""
    next_document: str | None = None


def _run_document(verbs: tuple[Verb, ...], phone: Phone) -> _Outcome:
    for verb in verbs:
        if phone.hung_up:
            break
        match verb:
            case Hangup():
                return _Outcome("hung up by the server")
            case Reject(reason):
                return _Outcome(f"rejected: {reason}")
            case Dial(number):
                return _Outcome(f"{DIALLED}{number}")
            case Redirect(url, method):
                return _Outcome(next_document=phone.fetch(url, method))
            case Connect():
                phone.connect(verb)
                if verb.action is not None:
                    return _Outcome(next_document=phone.fetch(verb.action, verb.method))
            case Play(url, loop):
                for _ in range(loop):
                    phone.play(url)
            case SayText(text, language):
                phone.say(text, language)
            case Pause(seconds):
                phone.pause(seconds)
    return _Outcome()
