"""TwiML: parsed as Twilio does, obeyed in order."""

import pytest

from server.simulator.twiml import (
    Connect,
    Dial,
    Hangup,
    Pause,
    Play,
    Redirect,
    Reject,
    SayText,
    TwimlError,
    obey,
    parse_twiml,
)

STREAM = '<Stream url="wss://a.example/ws"/>'

VERBS = {
    "play": ("<Play>/media/hello.wav</Play>", Play("/media/hello.wav")),
    "play twice": ('<Play loop="2">https://a.example/x.wav</Play>', Play("https://a.example/x.wav", 2)),
    "say": ('<Say language="en-US">hello</Say>', SayText("hello", "en-US")),
    "pause": ("<Pause/>", Pause(1.0)),
    "pause length": ('<Pause length="3"/>', Pause(3.0)),
    "hangup": ("<Hangup/>", Hangup()),
    "reject": ('<Reject reason="busy"/>', Reject("busy")),
    "dial": ("<Dial>+97231234567</Dial>", Dial("+97231234567")),
    "dial number": ("<Dial><Number>+97231234567</Number></Dial>", Dial("+97231234567")),
    "redirect": ('<Redirect method="GET">/next</Redirect>', Redirect("/next", "GET")),
    "connect": (f"<Connect>{STREAM}</Connect>", Connect("wss://a.example/ws")),
    "connect with everything": (
        '<Connect action="/ended"><Stream url="wss://a.example/ws" name="n" statusCallback="/status">'
        '<Parameter name="token" value="t"/><Parameter name="lang" value="he"/></Stream></Connect>',
        Connect(
            "wss://a.example/ws", (("token", "t"), ("lang", "he")), "/status", "POST", "/ended", "POST", "n"
        ),
    ),
}


@pytest.mark.parametrize("xml, verb", VERBS.values(), ids=VERBS)
def test_verb(xml, verb):
    assert parse_twiml(f"<Response>{xml}</Response>") == (verb,)


REFUSED = {
    "not XML": "<Response>",
    "wrong root": "<Reply/>",
    "unknown verb": "<Response><Shout>x</Shout></Response>",
    "play of nothing": "<Response><Play/></Response>",
    "connect to nothing": "<Response><Connect/></Response>",
    "not wss": '<Response><Connect><Stream url="ws://a.example/ws"/></Connect></Response>',
    "query string": '<Response><Connect><Stream url="wss://a.example/ws?x=1"/></Connect></Response>',
    "nameless parameter": '<Response><Connect><Stream url="wss://a.example/ws"><Parameter value="v"/>'
    "</Stream></Connect></Response>",
    "long parameter": f'<Response><Connect><Stream url="wss://a.example/ws">'
    f'<Parameter name="n" value="{"v" * 500}"/></Stream></Connect></Response>',
}


@pytest.mark.parametrize("xml", REFUSED.values(), ids=REFUSED)
def test_refused(xml):
    with pytest.raises(TwimlError):
        parse_twiml(xml)


class FakePhone:
    """Records what it is told. ``documents`` answer fetches; the caller hangs up during ``hang_up_on``."""

    def __init__(self, documents=(), hang_up_on=""):
        self.done, self.documents, self.hang_up_on, self.hung_up = [], dict(documents), hang_up_on, False

    def _note(self, what):
        self.done.append(what)
        self.hung_up = self.hung_up or what == self.hang_up_on

    def play(self, url):
        self._note(f"play {url}")

    def say(self, text, language):
        self._note(f"say {text}")

    def pause(self, seconds):
        self._note(f"pause {seconds:g}")

    def connect(self, verb):
        self._note("connect")

    def fetch(self, url, method):
        self._note(f"fetch {url}")
        return f"<Response>{self.documents[url]}</Response>"


CALLS = {  # name: (first document, documents by URL, hang up on, what was done, ending)
    "verbs in order": ("<Play>a</Play><Pause/><Say>b</Say>", {}, "", "play a,pause 1,say b", "end of TwiML"),
    "loop": ('<Play loop="2">a</Play>', {}, "", "play a,play a", "end of TwiML"),
    "hang-up ends it": ("<Hangup/><Play>a</Play>", {}, "", "", "hung up by the server"),
    "reject": ("<Reject/>", {}, "", "", "rejected: rejected"),
    "stream then next verb": (
        f"<Connect>{STREAM}</Connect><Play>sorry</Play>",
        {},
        "",
        "connect,play sorry",
        "end of TwiML",
    ),
    "stream then action, not the next verb": (
        f'<Connect action="/ended">{STREAM}</Connect><Play>never</Play>',
        {"/ended": "<Dial>+9725</Dial>"},
        "",
        "connect,fetch /ended",
        "dialled +9725",
    ),
    "redirect replaces the document": (
        "<Redirect>/next</Redirect><Play>never</Play>",
        {"/next": "<Hangup/>"},
        "",
        "fetch /next",
        "hung up by the server",
    ),
    "the action is asked for after a hang-up and not followed": (
        f'<Connect action="/ended">{STREAM}</Connect>',
        {"/ended": "<Play>never</Play>"},
        "connect",
        "connect,fetch /ended",
        "caller hung up",
    ),
    "a hang-up stops the rest": ("<Play>a</Play><Play>b</Play>", {}, "play a", "play a", "caller hung up"),
}


@pytest.mark.parametrize("first, documents, hang_up_on, done, ending", CALLS.values(), ids=CALLS)
def test_call(first, documents, hang_up_on, done, ending):
    phone = FakePhone(documents, hang_up_on)
    assert obey(f"<Response>{first}</Response>", phone) == ending
    assert ",".join(phone.done) == done


def test_redirect_to_itself_ends():
    with pytest.raises(TwimlError, match="loop"):
        obey("<Response><Redirect>/a</Redirect></Response>", FakePhone({"/a": "<Redirect>/a</Redirect>"}))
