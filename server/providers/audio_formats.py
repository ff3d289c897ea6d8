"""Recognises what a server sent in place of the PCM it was asked for: MP3, JSON, HTML and others."""

from codecs import getincrementaldecoder
from email.message import Message

from server.audio.frames import SAMPLE_RATE_HZ
from server.providers.base import ProviderError

HEAD_BYTES = 12  # enough for every mark below, and the length of a WAV file's RIFF header
TEXT_BYTES = 64  # 32 of them are low bytes of samples: PCM looks like text once in 10^12
RATES_HZ = range(SAMPLE_RATE_HZ, 192_001)
PCM_TYPES = ("audio/pcm", "audio/x-pcm", "audio/l16", "audio/raw", "audio/x-raw", "audio/s16le")
WAV_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/x-pn-wav")
ANY_TYPES = ("application/octet-stream", "binary/octet-stream")
NAMES_OF_TYPES = {
    "audio/mpeg": "MP3",
    "audio/mp3": "MP3",
    "audio/aac": "AAC",
    "audio/flac": "FLAC",
    "application/json": "JSON",
    "text/html": "HTML",
}
MARKS = {  # (offset, bytes): format
    (0, b"ID3"): "MP3",
    (0, b"RIFX"): "a WAV of another byte order",
    (0, b"caff"): "Core Audio",
    (0, b"OggS"): "Ogg (Opus or Vorbis)",
    (0, b"fLaC"): "FLAC",
    (0, b"\x1a\x45\xdf\xa3"): "WebM",
    (0, b"FORM"): "AIFF",
    (0, b".snd"): "AU",
    (0, b"#!AMR"): "AMR",
    (4, b"ftyp"): "MP4 (AAC)",
}
MPEG_HEADER_BYTES = 7
# MP3: kbit/s by the header's index 1 to 14, for MPEG 1 and 2; samples/s, halved for MPEG 2, again for 2.5.
_MP3_KBITS = (
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MP3_RATES_HZ = (44_100, 48_000, 32_000)


def rate_of_type(vendor: str, content_type: str) -> int | None:
    """The rate in Hz that a PCM16 content type names, or None.

    Raises ProviderError for a type that is neither PCM, WAV nor unspecified, and for more than one channel.
    """
    if not content_type.strip():
        return None
    message = Message()
    message["content-type"] = content_type
    kind = message.get_content_type()
    if kind not in (*PCM_TYPES, *WAV_TYPES, *ANY_TYPES):
        raise ProviderError(f"{vendor} sent {NAMES_OF_TYPES.get(kind, kind)}, not PCM")
    channels = str(message.get_param("channels", "1"))
    if channels != "1":
        raise ProviderError(f"{vendor} sent {channels} channels, not PCM16 mono")
    rate = str(message.get_param("rate", ""))
    known = rate.isascii() and rate.isdigit() and int(rate) in RATES_HZ
    return int(rate) if known else None


def format_of(head: bytes, *, whole: bool) -> str | None:
    """The name of the format that ``head`` begins; "" for no known one, None while more bytes are needed.

    ``whole``: no more bytes will come. A mark of three or more bytes is trusted. One or two bytes (an MPEG
    frame, text) are not, until the bytes after them agree: PCM samples can begin with any two bytes.
    """
    if len(head) < HEAD_BYTES and not whole:
        return None
    marked = (name for (at, mark), name in MARKS.items() if head.startswith(mark, at))
    if name := next(marked, ""):
        return name
    frame = _mpeg_frame(head)
    if frame is not None:
        name, size = frame
        if len(head) < size + MPEG_HEADER_BYTES:
            return "" if whole else None
        return name if _mpeg_frame(head[size:]) is not None and head[size + 1] == head[1] else ""
    return _text_of(head[:TEXT_BYTES], whole=whole)


def _mpeg_frame(head: bytes) -> tuple[str, int] | None:
    """The name and length in bytes of the MP3 or ADTS frame with this header; None if it is no header."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return _adts_frame(head)
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bits, rate, padded = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer != 1 or bits in (0, 15) or rate == 3:
        return None
    first = version == 3
    rate_hz = _MP3_RATES_HZ[rate] >> {3: 0, 2: 1, 0: 2}[version]
    return "MP3", (144 if first else 72) * 1000 * _MP3_KBITS[not first][bits - 1] // rate_hz + padded


def _adts_frame(head: bytes) -> tuple[str, int] | None:
    if len(head) < 7 or head[2] >> 2 & 15 > 12:
        return None
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return ("AAC", size) if size > 7 else None


def _text_of(head: bytes, *, whole: bool) -> str | None:
    """The kind of text. Text shorter than TEXT_BYTES counts only if it looks like JSON or HTML."""
    try:
        text = getincrementaldecoder("utf-8")().decode(head)  # the last character may be incomplete
    except UnicodeDecodeError:
        return ""
    text = text.removeprefix("\ufeff").lstrip()
    if not text or not all(char.isprintable() or char.isspace() for char in text):
        return ""
    kind = "JSON" if text[0] in "{[" else "HTML" if text[0] == "<" else "text"
    if len(head) < TEXT_BYTES and not whole:
        return None
    return kind if len(head) == TEXT_BYTES or kind != "text" else ""
