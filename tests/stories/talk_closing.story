# The server is replaced while the agent speaks
> Its sentence is heard to the end, the rest is not said; a line, and our side hangs up: the office calls back.
acts F4
spares D1

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים ומרפסת. גם חניה יש. מתי נוח לבוא?
  5.34        agent   יש שם שלושה חדרים ומרפסת.
  6.00        server closes down
              agent   מצטערת, אני חייבת לסיים כאן. נחזור אליכם בהקדם.
              lead    message=השיחה הופסקה מצידנו, והבטחנו לחזור
  9.80±0.2    agent   hangs up

# The server is replaced while the caller speaks, and there is a person
> He is heard out; nobody thinks about it any more, and a person goes on with him.
acts F3 F4
spares D2
knob TRANSFER_NUMBER +97235550000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-6.00   caller  כמה חדרים יש בדירה ברחוב הרצל
  4.00        server closes down
  6.84        agent   מצטערת, אני חייבת לסיים כאן. אני מעבירה אתכם עכשיו לנציג.
 10.30±0.2    agent   hands over

# The server is replaced, and the caller does not stop
> After five seconds the line is said all the same, and nothing cuts it.
acts F4
spares D1 D2
knob BARGE_IN false

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-16.00  caller  כמה חדרים יש בדירה ברחוב הרצל ובאיזו קומה היא ומתי אפשר לבוא לראות אותה בשבוע הבא
  4.00        server closes down
  9.00±0.1    agent   מצטערת, אני חייבת לסיים כאן. נחזור אליכם בהקדם.
              lead    message=השיחה הופסקה מצידנו, והבטחנו לחזור
 11.90±0.2    agent   hangs up

# The server is replaced, and the caller has just said goodbye
> The goodbye is ours too; nobody is promised anything.
acts F2
spares F4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  9.00-10.50  caller  תודה רבה ולהתראות
 10.80        server closes down
 11.34        agent   תודה על השיחה, ולהתראות!
 12.80±0.1    agent   hangs up

# Long past the limit, and the caller does not stop
> Who never lets the agent say goodbye is hung up on, a minute behind the limit.
acts F4
spares F2
knob MAX_CALL_SEC 30
knob IDLE_PROMPT_SEC 0

  0.80        agent   שלום! איך אפשר לעזור?
 26.00-31.00   caller  ועוד דבר שרציתי לספר לכם
 31.30-36.30   caller  ועוד דבר שרציתי לספר לכם
 36.60-41.60   caller  ועוד דבר שרציתי לספר לכם
 41.90-46.90   caller  ועוד דבר שרציתי לספר לכם
 47.20-52.20   caller  ועוד דבר שרציתי לספר לכם
 52.50-57.50   caller  ועוד דבר שרציתי לספר לכם
 57.80-62.80   caller  ועוד דבר שרציתי לספר לכם
 63.10-68.10   caller  ועוד דבר שרציתי לספר לכם
 68.40-73.40   caller  ועוד דבר שרציתי לספר לכם
 73.70-78.70   caller  ועוד דבר שרציתי לספר לכם
 79.00-84.00   caller  ועוד דבר שרציתי לספר לכם
 84.30-89.30   caller  ועוד דבר שרציתי לספר לכם
 89.60-94.60   caller  ועוד דבר שרציתי לספר לכם
 90.00        agent   hangs up
