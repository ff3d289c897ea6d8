"""The word half of D4: words said over the agent, 20 moments each, in simulated time.

    python -m bench.words_over_us [moments]

A listener's words and our own echo: it goes on. Words that mean something: it stops and answers.
"""

import random
import sys

from bench.options import options
from tests.simtime.call import SimCall, worded
from tests.simtime.line import Sound
from tests.wording import OURS

STATEMENTS = (
    "יש לנו שלוש דירות בשכונה שקטה וירוקה.",
    "הראשונה היא בקומה שנייה עם מרפסת גדולה לנוף.",
    "השנייה קרובה לבית הספר ולתחנת הרכבת.",
)
QUESTION = "מה חשוב יותר, המרפסת או המיקום?"
REPLY = " ".join((*STATEMENTS, QUESTION))
REPLY_AT_S = 5.32
MS_A_CHARACTER = 60
STATEMENTS_S = sum(map(len, STATEMENTS)) * MS_A_CHARACTER / 1000
QUESTION_S = len(QUESTION) * MS_A_CHARACTER / 1000

GOES_ON = ("אהה", "אוקיי", "הבנתי", "כן", "אהה אהה", "נכון מאוד")
STOPS = ("רגע", "לא נכון", "נציג", "סליחה", "עצרי", "כמה היא עולה", "כן אבל זה יקר", "אני מחפש משהו אחר")


def said_over(words: str, at_s: float) -> SimCall:
    call = SimCall([Sound(3.0, 1.5), Sound(at_s, 0.9)], stt=["יש דירות להשכרה", words], reply=REPLY)
    return call.run(30)


def went_on(call: SimCall) -> bool:
    """Nobody was asked a second time, and the whole reply was heard."""
    return len(call.llm.requests) == 1 and not own_answer(call) and call.texts[-1] == QUESTION


def answered(call: SimCall) -> bool:
    """The words got an answer, by the LLM or by a line of ours, and the rest of the reply was dropped."""
    by_llm = len(call.llm.requests) == 2
    return (by_llm or own_answer(call)) and call.log.count("BACKCHANNEL → ignore sid=MZ1") == 0


def own_answer(call: SimCall) -> bool:
    return worded(OURS.no_person) in call.texts


def main(moments: int) -> int:
    dice = random.Random(2)
    rows = [(words, words, "goes on", False) for words in GOES_ON]
    rows += [("echo", " ".join(STATEMENTS[0].rstrip(".").split()[1:6]), "goes on", False)]
    rows += [(words, words, "answers", False) for words in STOPS]
    rows += [("כן, after a question", "כן", "answers", True), ("לא, after a question", "לא", "answers", True)]
    wrong_in_all = 0
    print(f"said over the agent | must     | right of {moments}")
    for name, words, must, at_question in rows:
        right = 0
        for _ in range(moments):
            over = (
                (STATEMENTS_S + QUESTION_S / 3, STATEMENTS_S + QUESTION_S - 0.5)
                if at_question
                else (2.6, STATEMENTS_S)
            )
            call = said_over(words, REPLY_AT_S + dice.uniform(*over))
            right += went_on(call) if must == "goes on" else answered(call)
        wrong_in_all += moments - right
        print(f"{name:20} | {must:8} | {right}")
    print(f"wrong: {wrong_in_all}")
    return wrong_in_all


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("moments", nargs="?", type=int, default=20, help="for each of the words")
    sys.exit(bool(main(parser.parse_args().moments)))
