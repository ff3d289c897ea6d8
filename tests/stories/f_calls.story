# The agent says goodbye and hangs up
> 1.2 s after the closing line was heard to its last mark.
acts F2
spares F3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  זה הכול להיום
              asked   זה הכול להיום
              replies תודה שהתקשרתם, יום נעים.
              then    hangs up
  5.34-6.80   agent   תודה שהתקשרתם, יום נעים.
  8.00±0.1    agent   hangs up

# Who interrupts the goodbye is not hung up on
acts D2
spares F2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  זה הכול להיום
              asked   זה הכול להיום
              replies תודה שהתקשרתם, יום נעים.
              then    hangs up
  5.34        agent   תודה שהתקשרתם,…
  6.00-7.50   caller  רק עוד שאלה קטנה
              log     BARGE_IN: interrupt
              asked   רק עוד שאלה קטנה
              replies בשמחה, מה השאלה?
  8.34        agent   בשמחה, מה השאלה?
 12.00        caller  hangs up

# A cough over the goodbye only delays it
> Where loud frames stop the agent (BARGE_IN_EARLY_STOP).
acts D4 F2
spares D2
knob BARGE_IN_EARLY_STOP true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  זה הכול להיום
              asked   זה הכול להיום
              replies תודה שהתקשרתם, יום נעים.
              then    hangs up
  5.34        agent   תודה שהתקשרתם,…
  6.00-6.20   cough
              agent   …יום נעים.
  8.45±0.2    agent   hangs up

# The LLM hands the caller over to a person
knob TRANSFER_NUMBER +97235550000
acts F3
spares F2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  יש לי עניין מסובך מאוד
              asked   יש לי עניין מסובך מאוד
              replies מיד מעבירה אותך.
              then    hands over
  5.34        agent   מיד מעבירה אותך.
  7.50±0.1    agent   hands over

# A hand-over that nobody heard is not done
knob TRANSFER_NUMBER +97235550000
> The caller goes on before the first word of it: the decision belongs to a thought that was dropped.
acts A6
spares F3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  יש לי עניין
  5.17        asked   יש לי עניין
              replies מיד מעבירה אותך.
              then    hands over
  5.20-6.70   caller  עם הדירה בחיפה
              asked   יש לי עניין עם הדירה בחיפה
              replies בשמחה, מה לספר עליה?
  7.70        agent   בשמחה, מה לספר עליה?
 12.00        caller  hangs up

# The caller types a number
> Four digits complete the answer; nobody waits for more.
acts F5
spares E1
greeting expects 4 digits

  0.80        agent   שלום! איך אפשר לעזור?
  3.00        caller  presses 1 2 3 4
  3.95        asked   1234
              replies מצאתי את הנכס הזה.
  4.12        agent   מצאתי את הנכס הזה.
  8.00        caller  hangs up

# A number of unknown length ends with a pause
> Two seconds behind the last key, or a hash.
acts F5
spares B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00        caller  presses 4 2
  5.28        asked   42
              replies מצאתי את הנכס הזה.
  5.52        agent   מצאתי את הנכס הזה.
  8.00        caller  presses 7 #
  8.35        asked   7
              replies בחרת בשלוחה שבע.
  8.52        agent   בחרת בשלוחה שבע.
 12.00        caller  hangs up

# A hash behind a complete number is part of it
> People type it all the same; it stops nothing and is no turn.
acts B2
spares F5
greeting expects 4 digits

  0.80        agent   שלום! איך אפשר לעזור?
  3.00        caller  presses 1 2 3 4 #
  3.95        asked   1234
              replies מצאתי את הנכס הזה.
  4.12        agent   מצאתי את הנכס הזה.
              no log  BARGE_IN
  8.00        caller  hangs up

# The line drops in the middle of a word
> Every thread, stream and timer is gone within a second.
acts F6
spares F2
llm takes 300

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              pauses  3000
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.52        agent   יש שם שלושה…
  6.50        line    drops

# The caller hangs up while the agent thinks
> Nothing is said into the void, and the LLM is cancelled when its time is up: the office judges the words.
acts F6
spares B5 G3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              never   replies
  5.60        caller  hangs up
              lead    message=ספרו לי על הדירה

# A second of the caller's line is lost
> Nothing comes for 200 ms, so it counts as silence, at real pace; the call goes on.
acts A3
spares F6
frames are lost 4.50-5.50

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.15        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.32±0.2    agent   יש שם שלושה חדרים.
  9.00        caller  hangs up
