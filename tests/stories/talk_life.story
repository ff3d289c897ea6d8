# Nobody there
> Eight seconds of silence: the agent asks, twice, says goodbye, and hangs up.
acts F1 F2
knob IDLE_PROMPT_SEC 8

  0.80-2.06   agent   שלום! איך אפשר לעזור?
 10.06        agent   הלו, שומעים אותי?
 19.06        agent   אני כאן. במה אפשר לעזור?
 28.50        agent   אני לא שומעת תשובה, אז נסיים כאן. אפשר להתקשר שוב מתי שנוח. להתראות!
 33.74         agent   hangs up

# A caller who takes his time
> Seven seconds and a half: nobody is asked whether he is there.
acts A2
spares F1
knob IDLE_PROMPT_SEC 8

  0.80-2.06   agent   שלום! איך אפשר לעזור?
  9.50-11.00  caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
 11.84        agent   יש שם שלושה חדרים.
 16.00        caller  hangs up

# Something rustles: the question waits once
> Energy that stays unconfirmed begins the wait anew, one time.
acts F1 A5
spares E1
knob IDLE_PROMPT_SEC 8

  0.80-2.06   agent   שלום! איך אפשר לעזור?
  7.00-7.20   noise
 15.06±0.1    agent   הלו, שומעים אותי?
 18.00        caller  hangs up

# The caller says goodbye
> The closing line is heard to its last word, and a moment later our side closes; the LLM is not asked.
acts F2
spares F3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  9.00-10.50  caller  תודה רבה ולהתראות
 11.34        agent   תודה על השיחה, ולהתראות!
 14.00±0.1    agent   hangs up

# Thanks are no goodbye
acts B2
spares F2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.00   caller  תודה רבה
              asked   תודה רבה
              replies בשמחה, מה עוד?
  4.72        agent   בשמחה, מה עוד?
  9.00        caller  hangs up

# "Hello, hello" is no goodbye
> "שלום" says both; these are the caller's first words.
acts B2
spares F2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.00   caller  שלום שלום
              asked   שלום שלום
              replies שלום, במה לעזור?
  4.72        agent   שלום, במה לעזור?
  9.00        caller  hangs up

# The caller wants a person
> TRANSFER_NUMBER is set: a line, and the call is handed over; the LLM is not asked.
acts F3
knob TRANSFER_NUMBER +97235550000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני רוצה לדבר עם נציג
  5.34        agent   רגע אחד, אני מעבירה את השיחה לנציג.
  8.70±0.1    agent   hands over

# Zero is for a person
acts F3 F5
spares B2
knob TRANSFER_NUMBER +97235550000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00        caller  presses 0 #
  3.52        agent   רגע אחד, אני מעבירה את השיחה לנציג.
  6.88±0.1    agent   hands over

# There is no person
> Without TRANSFER_NUMBER the agent says so and takes a message.
acts F3
spares F2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני רוצה לדבר עם נציג
  5.34        agent   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
 12.00-17.00  caller  דנה כהן אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע
 17.84        agent   תודה, רשמתי, ונחזור אליכם בהקדם. אפשר לעזור בעוד משהו?
 17.84        lead    message=דנה כהן אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע
 22.00        caller  hangs up

# There is no person, and the caller leaves no message
> In words of his own: nothing is filed, and the agent asks what else.
acts F3
spares F2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני רוצה לדבר עם נציג
  5.34        agent   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
 12.00-13.50  caller  אני לא רוצה להשאיר הודעה
 14.34        agent   בסדר. במה עוד אפשר לעזור?
 18.00        caller  hangs up

# A question is no message
> There is no person, and the caller asks something: the LLM answers, and nothing is filed.
acts B2
spares F3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני רוצה לדבר עם נציג
  5.34        agent   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
 12.00-13.50  caller  מתי יהיה נציג פנוי
              asked   מתי יהיה נציג פנוי
              replies המשרד פתוח מתשע בבוקר.
 14.34        agent   המשרד פתוח מתשע בבוקר.
 18.00        caller  hangs up

# Not a person, please
acts B2
spares F3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני לא צריך נציג
              asked   אני לא צריך נציג
              replies בסדר גמור, במה אפשר לעזור?
  5.34        agent   בסדר גמור, במה אפשר לעזור?
 10.00        caller  hangs up

# The call has lasted long enough
> MAX_CALL_SEC: whatever is said next is a polite end.
acts F4
spares G3
knob MAX_CALL_SEC 30
knob IDLE_PROMPT_SEC 0

  0.80        agent   שלום! איך אפשר לעזור?
 28.00-29.50  caller  כמה חדרים יש
 30.34        agent   אנחנו חייבים לסיים כאן. תודה רבה, ואפשר תמיד להתקשר שוב. להתראות!
 35.42         agent   hangs up

# Long, and not too long
> A call of 29 s under a limit of 30 ends as its caller wishes.
acts B2
spares F4
knob MAX_CALL_SEC 30
knob IDLE_PROMPT_SEC 0

  0.80        agent   שלום! איך אפשר לעזור?
 25.00-26.50  caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
 27.34        agent   יש שם שלושה חדרים.
 29.00        caller  hangs up

# The agent is a man, and the caller a woman
> Her own "אני מחפשת" has shown it: from then on our lines speak to her so; he speaks of himself as a man.
acts E1 F1
spares G2
knob AGENT_GENDER masculine
knob IDLE_PROMPT_SEC 5
knob SPECULATIVE_TURNS false

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני מחפשת דירה בחיפה
              asked   אני מחפשת דירה בחיפה
              replies באיזו שכונה?
  5.34        agent   באיזו שכונה?
  8.00-9.50   caller  בכרמל
              stt    hear nothing
 10.34        agent   אפשר לנסח שוב במשפט קצר?
 13.50-15.00  caller  בכרמל
              stt    hear nothing
 15.84        agent   סליחה, לא הבנתי. אפשר להגיד את זה שוב, בקצרה?
 19.50-21.00  caller  בכרמל
              stt    hear nothing
 21.84        agent   קשה לי לשמוע. תרצי שנציג יחזור אלייך?
              agent   הלו, שומעים אותי?
              agent   אני כאן. במה אפשר לעזור?
 38.00        caller  hangs up
