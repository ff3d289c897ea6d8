"""Requests and sockets that are not Twilio's, by kind: each is genuine but for one thing."""

import base64
import hashlib
import hmac
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from itsdangerous import Signer

from server.telephony.signature import SALT
from tests.servers.doors import (
    HEADER,
    RING,
    SECRET,
    SOCKET,
    Door,
    Form,
    Knock,
    Post,
    genuine,
    ringing,
    sid,
    signature,
    start,
)

EVIL = "evil.example.com"
STRANGER = "f" * 32  # another account's secret


# ---- webhooks -----------------------------------------------------------------------------------


def signed_as(door: Door, form: Form, url: str, **headers: str) -> Post:
    """A request whose signature is for ``url``."""
    return Post(RING, {HEADER: signature(url, form)} | headers, {"data": form})


def garbled(text: str, dice: random.Random) -> str:
    """One character is another."""
    place = dice.randrange(len(text) - 2)  # base64's last may hold bits that say nothing
    other = dice.choice([c for c in "ABCxyz019" if c != text[place]])
    return text[:place] + other + text[place + 1 :]


def with_signature(door: Door, dice: random.Random, change: Callable[[str], str]) -> Post:
    post = genuine(door, ringing(dice))
    return replace(post, headers={HEADER: change(post.headers[HEADER])})


def with_form(door: Door, dice: random.Random, change: Callable[[dict[str, str]], Form]) -> Post:
    """The signature is for the form as it was."""
    form = ringing(dice)
    return replace(genuine(door, form), content={"data": change(dict(form))})


def as_content(door: Door, dice: random.Random, kind: str) -> Post:
    form = ringing(dice)
    content: dict[str, dict[str, Any]] = {
        "json": {"json": dict(form)},
        "files": {"files": {name: (None, value) for name, value in form}},
        "params": {"params": form},
    }
    return replace(genuine(door, form), content=content[kind])


def by(method: str, door: Door, dice: random.Random) -> Post:
    return replace(genuine(door, ringing(dice)), method=method)


def sha256(door: Door, dice: random.Random) -> Post:
    """Twilio's other signature, with a key that is nobody's."""
    form = ringing(dice)
    text = door.public + RING + "".join(name + value for name, value in sorted(form))
    digest = base64.b64encode(hmac.digest(STRANGER.encode(), text.encode(), hashlib.sha256)).decode()
    settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    return Post(RING, {HEADER: digest, f"{HEADER}-Settings": settings}, {"data": form})


def moved_signature(door: Door, dice: random.Random) -> Post:
    """The right signature in the wrong place."""
    form = ringing(dice)
    right = signature(door.public + RING, form)
    return Post(RING, {"X-Signature": right}, {"data": [*form, (HEADER, right)]})


Forger = Callable[[Door, random.Random], Post]

FORGED_WEBHOOKS: dict[str, Forger] = {
    "no signature": lambda door, dice: replace(genuine(door, ringing(dice)), headers={}),
    "an empty signature": lambda door, dice: with_signature(door, dice, lambda right: ""),
    "a garbled signature": lambda door, dice: with_signature(door, dice, lambda right: garbled(right, dice)),
    "a cut signature": lambda door, dice: with_signature(
        door, dice, lambda right: right[: dice.randrange(1, 28)]
    ),
    "a signature twice": lambda door, dice: with_signature(door, dice, lambda right: f"{right}, {right}"),
    "a guess": lambda door, dice: with_signature(
        door, dice, lambda right: base64.b64encode(dice.randbytes(20)).decode()
    ),
    "another secret": lambda door, dice: Post(
        RING,
        {HEADER: signature(door.public + RING, form := ringing(dice), STRANGER)},
        {"data": form},
    ),
    "another webhook's": lambda door, dice: signed_as(
        door, ringing(dice), door.public + "/webhook/stream_status"
    ),
    "of http": lambda door, dice: signed_as(
        door, ringing(dice), door.public.replace("https:", "http:") + RING
    ),
    "of another host": lambda door, dice: signed_as(door, ringing(dice), f"https://{EVIL}{RING}"),
    "of a claimed host": lambda door, dice: signed_as(
        door,
        ringing(dice),
        f"https://{EVIL}{RING}",
        **{"Host": EVIL, "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "Forwarded": f"host={EVIL}"},
    ),
    "of a claimed scheme": lambda door, dice: signed_as(
        door,
        ringing(dice),
        door.public.replace("https:", "http:") + RING,
        **{"X-Forwarded-Proto": "http"},
    ),
    "of a claimed path": lambda door, dice: signed_as(
        door, ringing(dice), f"{door.public}/x{RING}", **{"X-Forwarded-Prefix": "/x", "X-Script-Name": "/x"}
    ),
    "of the address inside": lambda door, dice: signed_as(door, ringing(dice), f"http://{door.server}{RING}"),
    "another call's": lambda door, dice: with_form(door, dice, lambda form: ringing(dice)),
    "a field more": lambda door, dice: with_form(door, dice, lambda form: [*form.items(), ("Digits", "1")]),
    "a field less": lambda door, dice: with_form(door, dice, lambda form: list(form.items())[:-1]),
    "a field changed": lambda door, dice: with_form(
        door, dice, lambda form: list((form | {"From": "+972500000000"}).items())
    ),
    "a field doubled": lambda door, dice: with_form(
        door, dice, lambda form: [("CallSid", sid("CA", dice)), *form.items()]
    ),
    "a field renamed": lambda door, dice: with_form(
        door, dice, lambda form: [(name.lower(), value) for name, value in form.items()]
    ),
    "no fields": lambda door, dice: with_form(door, dice, lambda form: []),
    "a query more": lambda door, dice: replace(genuine(door, ringing(dice)), path=f"{RING}?a=1"),
    "a query less": lambda door, dice: replace(genuine(door, ringing(dice), f"{RING}?a=1"), path=RING),
    "a query changed": lambda door, dice: replace(
        genuine(door, ringing(dice), f"{RING}?a=1"), path=f"{RING}?a=2"
    ),
    "as JSON": lambda door, dice: as_content(door, dice, "json"),
    "as multipart": lambda door, dice: as_content(door, dice, "files"),
    "as a query string": lambda door, dice: as_content(door, dice, "params"),
    "the socket's": lambda door, dice: Post(
        RING, {HEADER: signature(door.signed_socket_url())}, {"data": ringing(dice)}
    ),
    "in another place": moved_signature,
    "of SHA-256": sha256,
    "by GET": lambda door, dice: by("GET", door, dice),
    "by PUT": lambda door, dice: by("PUT", door, dice),
    "by DELETE": lambda door, dice: by("DELETE", door, dice),
}


# ---- handshakes: what follows is right ------------------------------------------------------------

FORGED_HANDSHAKES: dict[str, Callable[[Door, random.Random], tuple[str, str]]] = {
    # signature, path
    "no signature": lambda door, dice: ("", SOCKET),
    "a garbled signature": lambda door, dice: (garbled(signature(door.signed_socket_url()), dice), SOCKET),
    "a guess": lambda door, dice: (base64.b64encode(dice.randbytes(20)).decode(), SOCKET),
    "another secret": lambda door, dice: (signature(door.signed_socket_url(), (), STRANGER), SOCKET),
    "a webhook's": lambda door, dice: (signature(door.public + RING, ringing(dice)), SOCKET),
    "a webhook's URL": lambda door, dice: (signature(door.public + RING), SOCKET),
    "of ws": lambda door, dice: (signature(door.signed_socket_url().replace("wss:", "ws:")), SOCKET),
    "of http": lambda door, dice: (signature(door.public.replace("https:", "http:") + SOCKET), SOCKET),
    "of another host": lambda door, dice: (signature(f"wss://{EVIL}{SOCKET}"), SOCKET),
    "of another path": lambda door, dice: (signature(door.signed_socket_url("/ws")), SOCKET),
    "of the address inside": lambda door, dice: (signature(f"ws://{door.server}{SOCKET}"), SOCKET),
    "with fields": lambda door, dice: (signature(door.signed_socket_url(), ringing(dice)), SOCKET),
    "a query more": lambda door, dice: (signature(door.signed_socket_url()), f"{SOCKET}?a=1"),
    "a query less": lambda door, dice: (signature(door.signed_socket_url(f"{SOCKET}?a=1")), SOCKET),
}


# ---- what is said on a socket that Twilio has opened ---------------------------------------------

MEDIA = '{"event":"media","media":{"payload":"' + base64.b64encode(b"\xff" * 160).decode() + '"}}'


def of_a_stranger(token: str) -> str:
    """The same token, signed with another secret."""
    stranger = Signer(STRANGER, SALT, key_derivation="hmac", digest_method=hashlib.sha256)
    return stranger.sign(token.rpartition(".")[0]).decode()


# call, its token, another call's token, stream → messages
Speaker = Callable[[str, str, str, str, random.Random], tuple[str | bytes, ...]]

FORGED_STARTS: dict[str, Speaker] = {
    "no token": lambda call, token, other, stream, dice: (start(call, None, stream),),
    "an empty token": lambda call, token, other, stream, dice: (start(call, "", stream),),
    "a garbled token": lambda call, token, other, stream, dice: (start(call, garbled(token, dice), stream),),
    "a cut token": lambda call, token, other, stream, dice: (start(call, token[:-5], stream),),
    "another call's": lambda call, token, other, stream, dice: (start(call, other, stream),),
    "another secret's": lambda call, token, other, stream, dice: (start(call, of_a_stranger(token), stream),),
    "the secret itself": lambda call, token, other, stream, dice: (start(call, SECRET, stream),),
    "the call's SID": lambda call, token, other, stream, dice: (start(call, call, stream),),
    "in another parameter": lambda call, token, other, stream, dice: (
        start(call, token, stream, "call_sid"),
    ),
    "in capitals": lambda call, token, other, stream, dice: (start(call, token, stream, "Token"),),
    "beside the parameters": lambda call, token, other, stream, dice: (
        start(call, None, stream, token=token),
    ),
    "in a list": lambda call, token, other, stream, dice: (start(call, [token], stream),),
    "no call": lambda call, token, other, stream, dice: (start("", token, stream),),
    "a call that is none": lambda call, token, other, stream, dice: (start(call, token, stream, callSid=1),),
    "a second start": lambda call, token, other, stream, dice: (
        start(call, "", stream),
        start(call, token, stream),
    ),
    "audio first": lambda call, token, other, stream, dice: (MEDIA, MEDIA, start(call, "", stream), MEDIA),
}


def forged_knock(kind: str, door: Door, call: str, token: str, dice: random.Random) -> tuple[str, Knock]:
    """With its stream's SID. The handshake is forged, what follows is right."""
    proof, path = FORGED_HANDSHAKES[kind](door, dice)
    stream = sid("MZ", dice)
    return stream, Knock(proof, (start(call, token, stream),), path)


def genuine_knock(door: Door, call: str, token: str, dice: random.Random) -> tuple[str, Knock]:
    stream = sid("MZ", dice)
    return stream, Knock(signature(door.signed_socket_url()), (start(call, token, stream),))
