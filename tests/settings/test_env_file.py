"""``.env``: what stands there is what is set, or a line stops the start (faults 38, F12, newcomer 2)."""

import re
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from server.config import Config, KnobError, env_file_remarks, load_config, load_mounted_config, main
from server.providers.openai.prompt import template
from server.providers.stt_hints import read_phrases
from server.settings.env_file import EnvFileError, read_env_file

KNOWN = {name.upper() for name in Config.model_fields}
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def read(text: str | bytes) -> dict[str, str]:
    Path(".env").write_bytes(text if isinstance(text, bytes) else text.encode())
    return dict(read_env_file(".env", KNOWN).values)


def refused(text: str | bytes) -> str:
    """The message; it is the same wherever the file is read, and holds no secret."""
    with pytest.raises(EnvFileError) as error:
        read(text)
    message = str(error.value)
    assert message.startswith(".env ") and SECRET not in message
    for load in (load_config, load_mounted_config):
        with pytest.raises(KnobError, match=re.escape(message)) as stopped:
            load()
        assert stopped.value.__suppress_context__
    assert main(["export"]) == 1
    return message


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('AI_GREETING_HE="הגעתם לדן ובניו בע"מ"', 'הגעתם לדן ובניו בע"מ'),
        ("AI_GREETING_HE='רח' הרצל'", "רח' הרצל"),
        ('AI_GREETING_HE="נועה ממשרד נדל"ן"', 'נועה ממשרד נדל"ן'),
        ("AI_GREETING_HE='א'-ה' 09:00-18:00'", "א'-ה' 09:00-18:00"),
        ('AI_GREETING_HE="משרד נדל"ן" # comment', 'משרד נדל"ן'),
        ("AI_GREETING_HE='ג'ורג' וצ'רצ'יל'\t# it's ours", "ג'ורג' וצ'רצ'יל"),
        ('  export AI_GREETING_HE = "עו"ד כהן, רו"ח לוי"  ', 'עו"ד כהן, רו"ח לוי'),
        ('AI_GREETING_HE="אמר "שלום" והלך"', 'אמר "שלום" והלך'),
        ('AI_GREETING_HE="דירה #5 בנדל"ן"', 'דירה #5 בנדל"ן'),
        (r'AI_GREETING_HE="נדל"ן\nשורה \"שנייה\""', 'נדל"ן\nשורה "שנייה"'),
        ('AI_GREETING_HE=""נדל"ן""', '"נדל"ן"'),
        ('AI_GREETING_HE=בע"מ', 'בע"מ'),
        ("AI_GREETING_HE='בע\"מ'", 'בע"מ'),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
def test_gershayim_and_geresh_inside_quotes_are_text(line: str, value: str, end: str) -> None:
    assert read(f"{line}{end}" + (f"PORT=7{end}" if end else ""))["AI_GREETING_HE"] == value


def test_they_reach_the_knobs() -> None:
    Path(".env").write_text(
        "OFFICE_HOURS='א'-ה' 09:00-18:00'\nAGENT_PERSONA=\"נועה ממשרד נדל\"ן\"\n", encoding="utf-8"
    )
    config = load_config()
    assert (config.office_hours, config.agent_persona) == ("א'-ה' 09:00-18:00", 'נועה ממשרד נדל"ן')


TEXT = st.text(st.sampled_from("אבגד \"'#=-:.0"), min_size=1, max_size=12).map(str.strip)


@given(TEXT, st.sampled_from("\"'"))
def test_a_text_in_quotes_is_that_text_or_is_refused(text: str, quote: str) -> None:
    """Never another one, and the setting below is always there; what python-dotenv can read is as it says."""
    line = f"AI_GREETING_HE={quote}{text}{quote}"
    Path(".env").write_text(f"{line}\nTWILIO_AUTH_TOKEN='{SECRET}'\n", encoding="utf-8")
    try:
        values = read_env_file(".env", KNOWN).values
    except EnvFileError as error:
        assert "line 1 (AI_GREETING_HE)" in str(error)
        return
    assert values["TWILIO_AUTH_TOKEN"] == SECRET
    Path("alone").write_text(line, encoding="utf-8")
    assert values["AI_GREETING_HE"] in (text, dotenv_values("alone").get("AI_GREETING_HE"))


@pytest.mark.parametrize(
    ("text", "line", "name", "says"),
    [
        (f'AI_GREETING_HE="שלום\nTWILIO_AUTH_TOKEN="{SECRET}"\n', 1, "AI_GREETING_HE", "not closed"),
        (f"AI_GREETING_HE='שלום\nTWILIO_AUTH_TOKEN={SECRET}\n", 1, "AI_GREETING_HE", "not closed"),
        ('AI_GREETING_HE="שלום\n#THINKING_TEXT_HE="רגע"\nPORT="7"', 1, "AI_GREETING_HE", "not closed"),
        (f'AI_GREETING_HE="שלום\nTWILIO_AUTH_TOKEN: {SECRET}\nX"', 1, "AI_GREETING_HE", "not closed"),
        (f'PORT=5\n\nTWILIO_AUTH_TOKEN="{SECRET}', 3, "TWILIO_AUTH_TOKEN", "not closed"),
        (f'TWILIO_AUTH_TOKEN="{SECRET}"x', 1, "TWILIO_AUTH_TOKEN", "not closed"),
        (f"TWILIO_AUTH_TOKEN: {SECRET}", 1, "TWILIO_AUTH_TOKEN", "NAME=value"),
        (f"TWILIO_AUTH_TOKEN:{SECRET}", 1, "TWILIO_AUTH_TOKEN", "NAME=value"),
        (f"TWILIO_AUTH_TOKEN:a={SECRET}", 1, "TWILIO_AUTH_TOKEN", "must be written"),
        (f"TWILIO_AUTH_TOKEN:={SECRET}", 1, "TWILIO_AUTH_TOKEN", "must be written"),
        (f"# x\nTWILIO-AUTH-TOKEN={SECRET}", 2, "TWILIO_AUTH_TOKEN", "must be written"),
        (f'"TWILIO_AUTH_TOKEN"={SECRET}', 1, "TWILIO_AUTH_TOKEN", "must be written"),
        (f"\u200fTWILIO_AUTH_TOKEN={SECRET}", 1, "TWILIO_AUTH_TOKEN", "must be written"),
        (f"TWILIO_AUTH_TOKEN {SECRET}", 1, "TWILIO_AUTH_TOKEN", "NAME=value"),
        ("TWILIO_AUTH_TOKEN", 1, "TWILIO_AUTH_TOKEN", "NAME=value"),
        (f"set TWILIO_AUTH_TOKEN={SECRET}", 1, "", "NAME=value"),
        (SECRET, 1, "", "NAME=value"),
        (f"={SECRET}", 1, "", "NAME=value"),
        ('GOOGLE_TTS_VOICE="א" # "ב" ג"ד"', 1, "GOOGLE_TTS_VOICE", ""),
        ('AI_GREETING_HE="ב"ק" # "ב"', 1, "AI_GREETING_HE", "not clear"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, line: int, name: str, says: str) -> None:
    if not says:  # python-dotenv can, and does
        assert read(text) == {name: "א"}
        return
    message = refused(text)
    named = f" ({name})" if name else ""
    assert f"  line {line}{named}: " in message and says in message


def test_every_line_that_cannot_be_read_is_said_at_once() -> None:
    message = refused('PORT 5000\nAI_GREETING_HE="א\nVAD_RMS=3\nTHINKING_TEXT_HE="ב\n')
    assert re.findall(r"line (\d)", message) == ["1", "2", "4"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1255"])
def test_another_encoding_is_named_by_what_to_do(encoding: str) -> None:
    message = refused(f"TWILIO_AUTH_TOKEN={SECRET}\nAI_GREETING_HE=שלום\n".encode(encoding))
    assert message.startswith(".env cannot be read: line ") and "save it as UTF-8" in message
    assert "line 1" in message or encoding in ("windows-1255", "utf-16-le", "utf-16-be")


def test_a_nul_is_in_no_setting() -> None:
    assert "line 2 is not UTF-8" in refused(f"PORT=1\nTWILIO_AUTH_TOKEN={SECRET[:9]}\0{SECRET[9:]}\n")


@pytest.mark.parametrize("knob", ["LINES_FILE", "LLM_PROMPT_FILE", "ASR_PHRASES_FILE", "PRONUNCIATIONS_FILE"])
@pytest.mark.parametrize("encoding", ["windows-1255", "utf-16"])
def test_an_offices_file_in_another_encoding_is_named_with_its_line(
    knob: str, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the start, before a call; and nothing of the file is shown."""
    Path("mine.txt").write_bytes(f"# mine\n# {SECRET}\ngoodbye: שלום ולהתראות\n".encode(encoding))
    Path(".env").write_text(f"{knob}=mine.txt\n")
    assert main(["export"]) == 1
    said = capsys.readouterr().err
    line = 3 if encoding == "windows-1255" else 1
    assert f"{knob}='mine.txt': cannot be read: line {line} is not UTF-8" in said
    assert SECRET not in said and "Traceback" not in said


@pytest.mark.parametrize("knob", ["llm_prompt_file", "asr_phrases_file"])
def test_the_mark_that_notepad_puts_first_is_no_text(knob: str) -> None:
    Path("mine.txt").write_bytes("\ufeffתל אביב\n".encode())
    read = template if knob == "llm_prompt_file" else lambda path: "".join(read_phrases(path))
    assert read(str(Path("mine.txt").absolute())) == "תל אביב"


def test_a_file_that_is_none() -> None:
    assert read_env_file("missing", KNOWN).values == {}
    Path(".env").mkdir()
    with pytest.raises(KnobError, match=r"\.env cannot be read: Is a directory"):
        load_config()
    (Path(".env") / "pyvenv.cfg").touch()  # a virtual environment of that name
    assert load_config() == load_config(_env_file=None)
    Path("link").symlink_to("nowhere")
    with pytest.raises(EnvFileError, match="link to a file that is not there"):
        read_env_file("link", KNOWN)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_was_right_stays_right(end: str, mark: str) -> None:
    lines = ["# c", "", "PORT=5000 # c", "export VAD_RMS = 300", "  ", "'THREADS'=5", "OTHER_ONE='x'"]
    lines += [
        "LEADS_FILE=",
        "STATE_FILE= # c",
        "BIND_HOST=#x",
        r"LLM_TARGET_STYLE=a\b$c$$",
        "log_level='INFO'",
    ]
    values = read(mark + end.join(lines) + end)
    Path(".env").write_text("\n".join(lines), encoding="utf-8")
    assert values == {name.upper(): value for name, value in dotenv_values(".env").items()}
    assert values["LLM_TARGET_STYLE"] == r"a\b$c$$"


EXPANDABLE = [
    "abc${OPENAI_API_KEY}def",
    "${NAME}",
    "${NAME:-x}",
    "$NAME",
    "$(id)",
    "`id`",
    "a$$b",
    "${",
    "$\\{x}",
]


@pytest.mark.parametrize("value", EXPANDABLE)
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_nothing_in_a_value_is_expanded(value: str, quote: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password with such signs is that password, for us and for whatever evaluates our export."""
    monkeypatch.setenv("NAME", "another")
    written = value.replace("\\", "\\\\") if quote == '"' else value  # in these quotes \\\\ is one
    values = read(f"OPENAI_API_KEY=sk-1\nLLM_TARGET_STYLE={quote}{written}{quote}\n")
    assert values["LLM_TARGET_STYLE"] == value == load_config().llm_target_style


def test_a_shell_that_evaluates_the_export_expands_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """What ./start_all.sh does, all of them at once; docker --env-file hands over the same."""
    Path(".env").write_text(f"LLM_TARGET_STYLE={' '.join(EXPANDABLE)}\n")
    assert main(["export"]) == 0
    script = f'{capsys.readouterr().out}\nprintf %s "$LLM_TARGET_STYLE"'
    shell = ["bash", "-euo", "pipefail", "-c", script]
    assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout == " ".join(EXPANDABLE)


def test_who_relies_on_a_reference_is_told() -> None:
    """At the start, by the setting's name: what stands in the braces may be a part of a password."""
    Path(".env").write_text("OTHER=${X}\nLLM_TARGET_STYLE=a${NAME}b\n")
    remark = ".env: LLM_TARGET_STYLE: the ${…} in its value is text: nothing is put in its place"
    assert env_file_remarks() == [".env: OTHER is no setting of ours", remark]
    Path(".env").write_text("REDIS_URL=${NAME}\n")
    with pytest.raises(
        KnobError, match="REDIS_URL: must be like (?s:.*)REDIS_URL: the ..…. in its value is text"
    ):
        load_config()


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_text_over_several_lines_is_one_while_it_swallows_nothing(quote: str) -> None:
    key = f"{quote}-----BEGIN\nMIIE+/abc\nAQ==\n-----END{quote} # c"
    assert read(f"CERT={key}\nPORT=7\n") == {"CERT": "-----BEGIN\nMIIE+/abc\nAQ==\n-----END", "PORT": "7"}
    assert read(f"AGENT_PERSONA={quote}דנה\nמהמשרד{quote}\n") == {"AGENT_PERSONA": "דנה\nמהמשרד"}
    assert "line 1" in refused(f"CERT={quote}a\nOTHER=b\nPORT={quote}7{quote}\n")


def test_what_is_odd_is_told() -> None:
    Path(".env").write_text("OPENAI_LLM_MODLE=x\n", encoding="utf-8")
    assert env_file_remarks() == [".env: OPENAI_LLM_MODLE is no setting of ours: was OPENAI_LLM_MODEL meant?"]
    Path(".env").write_text("PORT=1\nSOMETHING=1\nVAD_RMS=9\nport=2\nPORT=3\n", encoding="utf-8")
    assert env_file_remarks() == [
        ".env: SOMETHING is no setting of ours",
        ".env: PORT is set on lines 1 and 4 and 5: the last one counts",
    ]
    assert load_config().vad_rms == 9
    Path(".env").write_text("PORT", encoding="utf-8")
    assert env_file_remarks() == []
