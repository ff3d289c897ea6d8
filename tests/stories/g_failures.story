# An STT that never answer
> 1200 ms from the end of speech, then the caller is asked, as one who was not heard.
acts G1 G2
spares B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              stt    never answer
  5.70        agent   לא שמעתי טוב. אפשר לחזור על זה?
              log     ASR_ERR: no transcript within 1200 ms
  9.00        caller  hangs up

# Slow STT are waited for
> A second is within the deadline; the answer comes, late and right.
acts B4
spares G1 E1
asr takes 500

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.62        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.72        agent   יש שם שלושה חדרים.
              no log  ASR_ERR
  9.00        caller  hangs up

# The LLM stumbles, and nobody notices
> One retry where there is time for it.
acts G2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              fails   once: overloaded
  5.22        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  9.00        caller  hangs up

# A refused key is refused again
> No second try: the agent's own line, at once; and the next turn works.
acts G2
spares G4
knob SPECULATIVE_TURNS false

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              fails   no such key
  5.34        agent   בסדר, איך אוכל לסייע?
              log     LLM_ERR: sim: no such key
              no log  ENGINE_
  8.00-9.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
 10.34        agent   יש שם שלושה חדרים.
 13.00        caller  hangs up

# An LLM that hangs
> The watchdog ends the turn at its deadline; what comes later is too late.
acts G1 G3 B5
spares G4
knob SPECULATIVE_TURNS false
knob LLM_FIRST_TOKEN_TIMEOUT_MS 9000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              takes   3480
              replies יש שם שלושה חדרים.
  5.92        agent   שנייה… בודקת
              log     TURN_TIMEOUT
              no log  ENGINE_
  8.62        agent   בסדר, איך אוכל לסייע?
 13.00        caller  hangs up

# A reply that only waits for its breath is no failure
acts B4
spares G3
knob TURN_TIMEOUT_MS 500
knob RESP_MIN_DELAY_MS 900
knob RESP_MAX_DELAY_MS 900

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  6.02        agent   יש שם שלושה חדרים.
              no log  TURN_TIMEOUT
 10.00        caller  hangs up

# A voice that fails beeps
> Never silence: 300 ms of tone, and the log says why.
acts G2
voice fails

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   beeps
              log     TTS_ERR: sim: no voice today
  9.00        caller  hangs up

# Three failures, and the STT is left alone for a while
> The second STT hear the fourth utterance at once, and the log says so.
acts G4 G2
spares E1
engines have spares

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.20   caller  אחת
              stt    fail quota
              asked   אחת
              replies התשובה הראשונה.
  4.92        agent   התשובה הראשונה.
  7.00-8.20   caller  שתיים
              stt    fail quota
              asked   שתיים
              replies התשובה השנייה.
  8.92        agent   התשובה השנייה.
 11.00-12.20  caller  שלוש
              stt    fail quota
              log     ENGINE_SKIPPED asr sim for 30 s after 3 failures in a row: quota
              asked   שלוש
              replies התשובה השלישית.
 12.92        agent   התשובה השלישית.
 15.00-16.20  caller  ארבע
              stt    fail quota
              asked   ארבע
              replies התשובה הרביעית.
 16.92        agent   התשובה הרביעית.
 20.00        caller  hangs up

# Two failures are bad luck
> The third utterance is theirs again.
acts G2
spares G4
engines have spares

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.20   caller  אחת
              stt    fail quota
              asked   אחת
              replies התשובה הראשונה.
  4.92        agent   התשובה הראשונה.
  7.00-8.20   caller  שתיים
              stt    fail quota
              asked   שתיים
              replies התשובה השנייה.
  8.92        agent   התשובה השנייה.
 11.00-12.20  caller  שלוש
              asked   שלוש
              replies התשובה השלישית.
 12.92        agent   התשובה השלישית.
              no log  ENGINE_SKIPPED
 16.00        caller  hangs up

# An office without patience for its engines
> BREAKER_FAILURES=1 and BREAKER_OPEN_SEC=5: one failure is enough, and six seconds later the STT is tried again.
acts G4 G2
spares E1
engines have spares
knob BREAKER_FAILURES 1
knob BREAKER_OPEN_SEC 5

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.20   caller  אחת
              stt    fail quota
              log     ENGINE_SKIPPED asr sim for 5 s after 1 failures in a row: quota
              asked   אחת
              replies התשובה הראשונה.
  4.92        agent   התשובה הראשונה.
  7.00-8.20   caller  שתיים
              stt    fail quota
              asked   שתיים
              replies התשובה השנייה.
  8.92        agent   התשובה השנייה.
 12.00-13.20  caller  שלוש
              log     ENGINE_BACK asr sim
              asked   שלוש
              replies התשובה השלישית.
 13.92        agent   התשובה השלישית.
 18.00        caller  hangs up

# An STT that are broken
> The first failure may be bad luck. From the second on the agent says that there is a fault, and asks for keys; the one is a call back.
acts G2 F5
spares E1

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              stt    fail no such key file
  5.34        agent   לא שמעתי טוב. אפשר לחזור על זה?
  9.00-10.50  caller  כמה חדרים יש
              stt    fail no such key file
 11.34        agent   יש לנו תקלה, ואני לא שומעת. כדי שנחזור למספר הזה אפשר להקיש אחת. למספר אחר, אפשר להקיש אותו ובסופו סולמית.
 20.00        caller  presses 1 #
 20.52        agent   תודה, רשמתי, ונחזור אליכם בהקדם. להתראות!
              lead    message=מבקשים שיחזרו אליהם
 24.30±0.3    agent   hangs up

# An STT that are broken, and a hidden number
> A number by keys, then.
acts G2 F5
spares E1
caller's number is hidden

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              stt    fail no such key file
  5.34        agent   לא שמעתי טוב. אפשר לחזור על זה?
  9.00-10.50  caller  כמה חדרים יש
              stt    fail no such key file
 11.34        agent   יש לנו תקלה, ואני לא שומעת. כדי שנחזור, אפשר להקיש מספר טלפון ובסופו סולמית.
 18.00        caller  presses 0 5 2 1 2 3 4 5 6 7 #
              agent   תודה, רשמתי, ונחזור אליכם בהקדם. להתראות!
              lead    message=0521234567
 24.90±0.4    agent   hangs up

# An STT that are broken, and there is a person
> The second failure hands over.
acts G2 F3
spares E1
knob TRANSFER_NUMBER +97235550000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              stt    fail no such key file
  5.34        agent   לא שמעתי טוב. אפשר לחזור על זה?
  9.00-10.50  caller  כמה חדרים יש
              stt    fail no such key file
 11.34        agent   יש לנו תקלה, ואני לא שומעת. אני מעבירה אתכם עכשיו לנציג.
 16.10±0.3    agent   hands over

# A deaf agent does not go on for ever
> Seven turns that nobody hears; at the sixth our side gives up, the office knows of it, and there is no seventh.
acts E1 G2 F2
spares B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              stt    fail no such key file
  5.34        agent   לא שמעתי טוב. אפשר לחזור על זה?
  9.00-10.50  caller  כמה חדרים יש
              stt    fail no such key file
 11.34        agent   יש לנו תקלה, ואני לא שומעת. כדי שנחזור למספר הזה אפשר להקיש אחת. למספר אחר, אפשר להקיש אותו ובסופו סולמית.
 20.00-21.50  caller  כמה חדרים יש
              stt    fail no such key file
 22.34        agent   יש לנו תקלה, ואני לא שומעת. כדי שנחזור למספר הזה אפשר להקיש אחת. למספר אחר, אפשר להקיש אותו ובסופו סולמית.
 31.00-32.50  caller  כמה חדרים יש
              stt    fail no such key file
 33.34        agent   יש לנו תקלה, ואני לא שומעת. כדי שנחזור למספר הזה אפשר להקיש אחת. למספר אחר, אפשר להקיש אותו ובסופו סולמית.
 42.00-43.50  caller  כמה חדרים יש
              stt    fail no such key file
 44.34        agent   יש לנו תקלה, ואני לא שומעת. כדי שנחזור למספר הזה אפשר להקיש אחת. למספר אחר, אפשר להקיש אותו ובסופו סולמית.
 53.00-54.50  caller  כמה חדרים יש
              stt    fail no such key file
 55.34        agent   לצערי זה לא עובד כרגע, אז נסיים כאן. נחזור אליכם בהקדם. להתראות!
              lead    message=לא הצלחנו לשמוע או לענות
 60.40±0.2    agent   hangs up

# An LLM that never answers does not go on for ever
> At the sixth failure in a row our side gives up.
acts G2 E1
spares G4
knob SPECULATIVE_TURNS false
knob BREAKER_FAILURES 20

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אחת
              asked   אחת
              fails   no such key
              agent   בסדר, איך אוכל לסייע?
  9.00-10.50  caller  שתיים
              asked   שתיים
              fails   no such key
              agent   סליחה, לא הספקתי לענות. אפשר להגיד את זה שוב?
 16.00-17.50  caller  שלוש
              asked   שלוש
              fails   no such key
              agent   קשה לי לשמוע. תרצו שנציג יחזור אליכם?
 23.00-24.50  caller  ארבע
              asked   ארבע
              fails   no such key
              agent   משהו השתבש אצלי לרגע. אפשר להגיד את זה שוב?
 30.00-31.50  caller  חמש
              asked   חמש
              fails   no such key
              agent   בסדר, איך אוכל לסייע?
 37.00-38.50  caller  שש
              asked   שש
              fails   no such key
              agent   לצערי זה לא עובד כרגע, אז נסיים כאן. נחזור אליכם בהקדם. להתראות!
              lead    message=לא הצלחנו לשמוע או לענות
 44.70±0.4    agent   hangs up
