# Ears that never answer
> 1200 ms from the end of speech, then the caller is asked.
acts G1 G2
spares B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              ears    never answer
  5.70        agent   אפשר לנסח שוב במשפט קצר?
              log     ASR_ERR: no transcript within 1200 ms
  9.00        caller  hangs up

# Slow ears are waited for
> A second is within the deadline; the answer comes, late and right.
acts B4
spares G1 E1
asr takes 500

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.62        mind    כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.72        agent   יש שם שלושה חדרים.
              no log  ASR_ERR
  9.00        caller  hangs up

# The mind stumbles, and nobody notices
> One retry where there is time for it.
acts G2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.17        mind    כמה חדרים יש
              fails   once: overloaded
  5.22        mind    כמה חדרים יש
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
              mind    כמה חדרים יש
              fails   no such key
  5.34        agent   בסדר, איך אוכל לסייע?
              log     LLM_ERR: sim: no such key
              no log  ENGINE_
  8.00-9.50   caller  כמה חדרים יש
              mind    כמה חדרים יש
              replies יש שם שלושה חדרים.
 10.34        agent   יש שם שלושה חדרים.
 13.00        caller  hangs up

# A mind that hangs
> The watchdog ends the turn at its deadline; what comes later is too late.
acts G1 G3 B5
spares G4
knob SPECULATIVE_TURNS false
knob LLM_FIRST_TOKEN_TIMEOUT_MS 9000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              mind    כמה חדרים יש
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
              mind    כמה חדרים יש
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
              mind    כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   beeps
              log     TTS_ERR: sim: no voice today
  9.00        caller  hangs up

# Three failures, and the ears are left alone for a while
> The second ears hear the fourth utterance at once, and the log says so.
acts G4 G2
spares E1
engines have spares

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.20   caller  אחת
              ears    fail quota
              mind    אחת
              replies התשובה הראשונה.
  4.92        agent   התשובה הראשונה.
  7.00-8.20   caller  שתיים
              ears    fail quota
              mind    שתיים
              replies התשובה השנייה.
  8.92        agent   התשובה השנייה.
 11.00-12.20  caller  שלוש
              ears    fail quota
              log     ENGINE_SKIPPED asr sim for 30 s after 3 failures in a row: quota
              mind    שלוש
              replies התשובה השלישית.
 12.92        agent   התשובה השלישית.
 15.00-16.20  caller  ארבע
              ears    fail quota
              mind    ארבע
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
              ears    fail quota
              mind    אחת
              replies התשובה הראשונה.
  4.92        agent   התשובה הראשונה.
  7.00-8.20   caller  שתיים
              ears    fail quota
              mind    שתיים
              replies התשובה השנייה.
  8.92        agent   התשובה השנייה.
 11.00-12.20  caller  שלוש
              mind    שלוש
              replies התשובה השלישית.
 12.92        agent   התשובה השלישית.
              no log  ENGINE_SKIPPED
 16.00        caller  hangs up

# An office without patience for its engines
> BREAKER_FAILURES=1 and BREAKER_OPEN_SEC=5: one failure is enough, and six seconds later the ears are tried again.
acts G4 G2
spares E1
engines have spares
knob BREAKER_FAILURES 1
knob BREAKER_OPEN_SEC 5

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.20   caller  אחת
              ears    fail quota
              log     ENGINE_SKIPPED asr sim for 5 s after 1 failures in a row: quota
              mind    אחת
              replies התשובה הראשונה.
  4.92        agent   התשובה הראשונה.
  7.00-8.20   caller  שתיים
              ears    fail quota
              mind    שתיים
              replies התשובה השנייה.
  8.92        agent   התשובה השנייה.
 12.00-13.20  caller  שלוש
              log     ENGINE_BACK asr sim
              mind    שלוש
              replies התשובה השלישית.
 13.92        agent   התשובה השלישית.
 18.00        caller  hangs up
