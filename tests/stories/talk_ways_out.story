# Opens with a holiday greeting
> The first words of a call are never a goodbye, though these are one later on.
acts B2
spares F2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-3.80   caller  חג שמח
              asked   חג שמח
              replies חג שמח! במה אפשר לעזור?
  4.52        agent   חג שמח!
              agent   במה אפשר לעזור?
  9.00        caller  hangs up

# One more thing, behind the goodbye
> In the moment behind our closing line: the caller is answered, and the call goes on.
acts F2 B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  זה הכול להיום
              asked   זה הכול להיום
              replies תודה שהתקשרתם, יום נעים.
              then    hangs up
  5.34-6.80   agent   תודה שהתקשרתם, יום נעים.
  7.60-9.00   caller  אה, ומה הכתובת
              asked   אה, ומה הכתובת
              knows   תודה שהתקשרתם, יום נעים.
              replies ברחוב הרצל חמש.
  9.84        agent   ברחוב הרצל חמש.
              no log  CALL_ENDS
 16.00        caller  hangs up

# A door slams behind the goodbye
> It is no voice: the end of the call waits until that is known, and no longer.
acts F2 A5
spares B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  זה הכול להיום
              asked   זה הכול להיום
              replies תודה שהתקשרתם, יום נעים.
              then    hangs up
  5.34-6.80   agent   תודה שהתקשרתם, יום נעים.
  7.90-8.10   slam
  8.40±0.2    agent   hangs up

# Thanks behind the goodbye
> They are the caller's share of it.
acts F2 D4
spares B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  זה הכול להיום
              asked   זה הכול להיום
              replies תודה שהתקשרתם, יום נעים.
              then    hangs up
  5.34-6.80   agent   תודה שהתקשרתם, יום נעים.
  7.20-8.00   caller  תודה רבה, ביי
              log     BACKCHANNEL → ignore
  8.60±0.2    agent   hangs up

# A goodbye that asks something is none
> The LLM wants to hang up behind its own question: the answer is waited for.
acts B2
spares F2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  תודה רבה על ההסבר
              asked   תודה רבה על ההסבר
              replies בשמחה. יש עוד משהו שאפשר לעזור בו?
              then    hangs up
              log     ENDS_NOTHING
  5.34        agent   בשמחה.
              agent   יש עוד משהו שאפשר לעזור בו?
  8.20-9.00   caller  כן מה המחיר
              asked   כן מה המחיר
              replies המחיר נתון למשא ומתן.
  9.72        agent   המחיר נתון למשא ומתן.
 14.00        caller  hangs up

# A hand-over that is asked about waits for the yes
> The LLM wants to hand over behind its own question: a plain yes does it, and nobody is asked.
acts F3
spares B2
an LLM listens
knob TRANSFER_NUMBER +97235550000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  יש לי עניין מסובך
              asked   יש לי עניין מסובך
              replies להעביר אתכם לנציג?
              then    hands over
              log     ENDS_NOTHING
  5.34-6.44   agent   להעביר אתכם לנציג?
  9.00-9.80   caller  כן בבקשה
 10.52        agent   רגע אחד, אני מעבירה את השיחה לנציג.
 13.90±0.2    agent   hands over

# A hand-over that is asked about, and nobody says yes
acts B2
spares F3
an LLM listens
knob TRANSFER_NUMBER +97235550000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  יש לי עניין מסובך
              asked   יש לי עניין מסובך
              replies להעביר אתכם לנציג?
              then    hands over
  5.34-6.44   agent   להעביר אתכם לנציג?
  9.00-9.80   caller  לא, תודה
              asked   לא, תודה
              replies בסדר, במה מדובר?
 10.52        agent   בסדר, במה מדובר?
 14.00        caller  hangs up

# An LLM takes the message
> There is no person; what is said then is for the LLM, which knows what was asked for and keeps it.
acts F3
spares E1
an LLM listens

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני רוצה לדבר עם נציג
  5.34        agent   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
 12.00-15.00  caller  דנה כהן בקשר לדירה בהרצל
              asked   דנה כהן בקשר לדירה בהרצל
              remembers 3
              knows   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
              keeps   name=דנה
              replies תודה דנה, רשמתי. מה המספר?
 15.84        agent   תודה דנה, רשמתי.
              agent   מה המספר?
              lead    name=דנה
 20.00        caller  hangs up

# The LLM fails just when it was to take the message
> Then it is kept by us, whole.
acts F3 G2
an LLM listens
knob SPECULATIVE_TURNS false

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני רוצה לדבר עם נציג
  5.34        agent   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
 12.00-15.00  caller  דנה כהן בקשר לדירה בהרצל
              asked   דנה כהן בקשר לדירה בהרצל
              fails   overloaded
 15.84        agent   תודה, רשמתי, ונחזור אליכם בהקדם. אפשר לעזור בעוד משהו?
              lead    message=דנה כהן בקשר לדירה בהרצל
 22.00        caller  hangs up

# The LLM fails, and no message was left
> "לא תודה" is none, whoever answers it.
acts G2
spares F3
an LLM listens
knob SPECULATIVE_TURNS false

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני רוצה לדבר עם נציג
  5.34        agent   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
 12.00-13.00  caller  לא תודה
              asked   לא תודה
              fails   overloaded
 13.72        agent   בסדר. במה עוד אפשר לעזור?
 18.00        caller  hangs up

# A goodbye in the words of the last one
> The same sentence again, and its decision with it: a line of ours takes leave, and no question is left open.
acts F2 E4
spares G2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  זה הכול להיום
              asked   זה הכול להיום
              replies תודה שהתקשרתם, יום נעים.
              then    hangs up
  5.34-6.80   agent   תודה שהתקשרתם, יום נעים.
  7.50-8.50   caller  אה לא חשוב
              asked   אה לא חשוב
              replies תודה שהתקשרתם, יום נעים.
              then    hangs up
  9.20        agent   תודה על השיחה, ולהתראות!
 12.00±0.3    agent   hangs up
