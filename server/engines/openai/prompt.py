"""What the mind is told: the system prompt, and the conversation as it was heard."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from server.config import Config
from server.core.conversation import Line, Speaker
from server.engines.base import EngineError, ReplyRequest

OWN_PROMPT = Path(__file__).with_name("prompt_he.md")
STYLES = {
    "warm_helpful": "חם, סבלני ועוזר",
    "formal": "ענייני, מנומס ורשמי",
    "concise": "קצר וענייני, בלי מילים מיותרות",
    "energetic": "נמרץ, שמח ומזמין",
}
WITH_A_PERSON = (
    "transfer_to_person: כשמבקשים לדבר עם אדם, כשכועסים, או כשאין לך דרך לעזור. "
    "באותה תשובה אומרים במשפט קצר שהשיחה עוברת עכשיו לאדם מהמשרד, בלי שאלה."
)
WITHOUT_A_PERSON = (
    "אין אפשרות להעביר את השיחה. כשמבקשים לדבר עם אדם, אומרים זאת בפשטות, "
    "לוקחים שם ומספר טלפון, ואומרים שיחזרו מהמשרד."
)
CUT_IN = "כאן נקטעו דבריך: ההמשך לא נשמע, והצד השני התחיל לדבר."
ROLES = {Speaker.CALLER: "user", Speaker.AGENT: "assistant"}


@cache
def template(path: str) -> str:
    """The prompt file (empty: our own), read once a process. Raises EngineError."""
    try:
        return Path(path or OWN_PROMPT).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"LLM_PROMPT_FILE={path}: cannot be read as UTF-8 text ({error})") from error


def system_prompt(config: Config, request: ReplyRequest) -> str:
    """The same for every turn of every call, so that the vendor may keep it. Raises EngineError."""
    values = {
        "persona": config.agent_persona,
        "style": STYLES.get(request.target_style, request.target_style),
        "min_chars": str(request.min_chars),
        "max_chars": str(request.max_chars),
        "transfer": WITH_A_PERSON if config.transfer_number else WITHOUT_A_PERSON,
    }
    # Not ``str.format``: any other brace in a user's file is just a brace.
    names = re.compile(r"\{(" + "|".join(values) + r")\}")
    return names.sub(lambda found: values[found[1]], template(config.llm_prompt_file))


def messages(config: Config, request: ReplyRequest) -> list[dict[str, Any]]:
    """System prompt, history, the caller's words, as chat messages. Raises EngineError."""
    told = [{"role": "system", "content": system_prompt(config, request)}]
    for line in request.history:
        told += _heard(line)
    return [*told, {"role": "user", "content": request.text}]


def _heard(line: Line) -> list[dict[str, Any]]:
    said = [{"role": ROLES[line.speaker], "content": line.text}] if line.text else []
    if line.interrupted:
        said.append({"role": "system", "content": CUT_IN})
    return said
