"""``./start_all.sh password``: asks for the password of the pages, prints the line for ``.env``."""

import sys
from getpass import getpass

from argon2 import PasswordHasher

LEAST_CHARACTERS = 10
MOST_CHARACTERS = 1000


def main() -> int:
    """The line to standard output, all else to standard error; 1: no password that can be taken."""
    try:
        password, again = _asked()
    except (EOFError, KeyboardInterrupt):
        return _refused("no password was given")
    if why := why_not(password) or ("" if again == password else "the two differ"):
        return _refused(why)
    print("Put this line into .env, with its quotes, and restart the server:", file=sys.stderr)
    # In quotes: $ signs mean something to shells, and to who reads .env.
    print(f"PAGES_PASSWORD_HASH='{PasswordHasher().hash(password)}'")
    return 0


def why_not(password: str) -> str:
    """Why nobody should use it; empty: they may."""
    if len(password) < LEAST_CHARACTERS:
        return f"a password has at least {LEAST_CHARACTERS} characters: a few words are easy to keep in mind"
    return "" if len(password) <= MOST_CHARACTERS else f"at most {MOST_CHARACTERS} characters"


def _asked() -> tuple[str, str]:
    """Twice from a terminal, else the first line of what is piped in."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\r\n")
        return line, line
    return getpass("Password for the pages: ", sys.stderr), getpass("Once more: ", sys.stderr)


def _refused(why: str) -> int:
    print(f"password: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
