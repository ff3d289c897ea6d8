# He goes for his papers
> He asks to wait, which is held (A7) when words come early, and the agent says that it does: nobody is asked whether he is there, for a minute and a half.
acts F7
spares F1
knob IDLE_PROMPT_SEC 8

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-5.00   caller  רגע אחד בבקשה אני הולך להביא את תעודת הזהות
              asked   רגע אחד בבקשה אני הולך להביא את תעודת הזהות
              replies בטח, אני מחכה.
  5.84±0.75   agent   בטח, אני מחכה.
 45.00-46.00  caller  אני כאן
              asked   אני כאן
              replies יופי, מה המספר?
 46.72        agent   יופי, מה המספר?
 51.00        caller  hangs up

# He does not come back
> A minute and a half later the questions begin, and then they are as ever.
acts F7 F1
knob IDLE_PROMPT_SEC 8

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.00   caller  תמתיני רגע
              asked   תמתיני רגע
              replies בטח.
  4.72±0.75   agent   בטח.
 94.96±0.9    agent   הלו, שומעים אותי?
104.10±1.0    agent   אני כאן. במה אפשר לעזור?
113.70±1.1    agent   אני לא שומעת תשובה, אז נסיים כאן. אפשר להתקשר שוב מתי שנוח. להתראות!
118.60±1.2    agent   hangs up

# It is we who have said that we wait
> Whatever the caller said: who is told "take your time" is not asked eight seconds later.
acts F7
spares F1
knob IDLE_PROMPT_SEC 8

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אין לי את המספר פה
              asked   אין לי את המספר פה
              replies אין בעיה, אני ממתינה.
  5.34        agent   אין בעיה, אני ממתינה.
 30.00-31.00  caller  מצאתי, שלוש שלוש אפס
              asked   מצאתי, שלוש שלוש אפס
              replies תודה, רשמתי.
 31.70        agent   תודה, רשמתי.
 36.00        caller  hangs up

# Somebody who is in a hurry is not away
> "רגע" is how people begin a question, too.
acts F1
spares F7
knob IDLE_PROMPT_SEC 8

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  רגע, כמה זה עולה
              asked   רגע, כמה זה עולה
              replies שני מיליון.
  5.34-5.94   agent   שני מיליון.
 13.94±0.1    agent   הלו, שומעים אותי?
 17.00        caller  hangs up

# An office with little time
> HOLD_SEC 20.
acts F7 F1
knob IDLE_PROMPT_SEC 8
knob HOLD_SEC 20

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.00   caller  תמתיני רגע
              asked   תמתיני רגע
              replies בטח.
  4.72±0.75   agent   בטח.
 24.96±0.9    agent   הלו, שומעים אותי?
 28.00        caller  hangs up
