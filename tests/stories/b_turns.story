# Two questions, two answers
acts B1 B2 E7
spares E2 E4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              remembers 1
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  8.00-9.50   caller  ומה המחיר
              asked   ומה המחיר
              knows   יש שם שלושה חדרים.
              remembers 3
              replies המחיר נתון למשא ומתן.
 10.34        agent   המחיר נתון למשא ומתן.
 14.00        caller  hangs up

# The breath is a minimum
> Providers that need 150 ms in all wait for the 800 ms of a slow, thoughtful agent.
acts B4
spares B5 G3
knob RESP_MIN_DELAY_MS 700
knob RESP_MAX_DELAY_MS 700

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.82        agent   יש שם שלושה חדרים.
  9.00        caller  hangs up

# The breath is never an addition
> Providers that need 600 ms: the answer comes then, not 220 ms later.
acts G1
spares B4 B5
llm takes 500

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.72        agent   יש שם שלושה חדרים.
  9.00        caller  hangs up

# A slow LLM, and the agent says that it is looking
> 0.8 s after the end of turn, once; the answer follows it without a clear and without a hole.
acts B5 G1
spares C1 G3 E4
llm takes 1200

  0.80        agent   שלום! איך אפשר לעזור?
  0.80        clear
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.92-6.64   agent   שנייה… בודקת
  6.66        agent   יש שם שלושה חדרים.
 10.00        caller  hangs up

# The caller goes on over the hint
> The answer is ready behind the hint, and nothing of it was heard: the hint is cleared, both parts are one turn. No barge-in.
acts A6 B5
spares D2 B2
knob SPECULATIVE_TURNS false
llm takes 850

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני מחפש
  5.17        asked   אני מחפש
              replies מה בדיוק מחפשים?
  5.92        agent   שנייה…
  6.20-7.40   caller  דירה בחיפה
              asked   אני מחפש דירה בחיפה
              takes   100
              replies יש לנו שתי דירות בחיפה.
  8.12        agent   יש לנו שתי דירות בחיפה.
              no log  BARGE_IN
 12.00        caller  hangs up

# An office that wants no hint
> THINKING_HINT_MS=0: silence until the answer.
acts G1
spares B5
knob THINKING_HINT_MS 0
llm takes 1200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  6.42        agent   יש שם שלושה חדרים.
 10.00        caller  hangs up

# Who speaks first is answered instead of greeted
acts A2
spares B6

  0.40-1.90   caller  שלום יש לכם דירה
              asked   שלום יש לכם דירה
              replies שלום! יש לנו כמה דירות.
              agent   שלום!
              agent   יש לנו כמה דירות.
  8.00        caller  hangs up

# A cough before the greeting
> The greeting waits until the cough is judged, and follows at once.
acts B6 A5
spares E1

  0.70-0.90   cough
  1.20±0.1    agent   שלום! איך אפשר לעזור?
  3.40-4.90   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.74        agent   יש שם שלושה חדרים.
  9.00        caller  hangs up

# The greeting can be interrupted like anything else
acts B6 D1 D2
spares D4

  0.80-1.34   agent   שלום!…
  1.15-2.65   caller  כמה חדרים יש
              log     BARGE_IN: interrupt
              asked   כמה חדרים יש
              knows   שלום!…
              replies יש שם שלושה חדרים.
  3.49        agent   יש שם שלושה חדרים.
  8.00        caller  hangs up

# The deadline of an old turn means nothing to the new one
> The first turn's watchdog would bark at 8.6 s, in the middle of the second thought: its turn is long over.
acts B2 B5
spares G3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אפשר לבוא מחר
              asked   אפשר לבוא מחר
              replies מחר זה מצוין.
  5.34        agent   מחר זה מצוין.
  6.60-7.80   caller  ומתי נוח לכם
  8.35        asked   ומתי נוח לכם
              takes   1300
              replies בערב נוח לנו מאוד.
  9.10        agent   שנייה… בודקת
  9.84        agent   בערב נוח לנו מאוד.
              no log  TURN_TIMEOUT
 14.00        caller  hangs up

# A greeting that the law wants heard
> GREETING_PROTECTED: what is said over it does not stop it, and is answered behind it.
acts B6
spares D1
knob GREETING_PROTECTED true

  0.80-2.06   agent   שלום! איך אפשר לעזור?
  1.20-2.20   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  3.04±0.2    agent   יש שם שלושה חדרים.
              no log  BARGE_IN
  7.00        caller  hangs up

# A greeting that is said first, whoever speaks first
> "הלו" before it: the greeting comes all the same, and behind it the answer.
acts B6
spares D2
knob GREETING_PROTECTED true

  0.20-0.80   caller  הלו
  1.28        agent   שלום! איך אפשר לעזור?
              asked   הלו
              replies שלום, במה לעזור?
              agent   שלום, במה לעזור?
  8.00        caller  hangs up

# A key does not stop it either
> It is the caller's turn, when the notice was heard.
acts B6 F5
spares D2
knob GREETING_PROTECTED true
greeting expects 1 digits

  0.80-2.06   agent   שלום! איך אפשר לעזור?
  1.30        caller  presses 5
              asked   5
              replies מצאתי את הנכס הזה.
  2.30±0.2    agent   מצאתי את הנכס הזה.
  6.00        caller  hangs up

# Who speaks first is answered instead of being greeted
> Nothing protects the greeting: an ordinary call.
acts B2
spares B6

  0.20-0.80   caller  הלו
              asked   הלו
              replies שלום, במה לעזור?
  1.52        agent   שלום, במה לעזור?
  6.00        caller  hangs up
