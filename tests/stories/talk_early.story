# The LLM thinks while the silence is counted
> Providers of 200, 350 and 150 ms: the answer comes right behind silence and breath, not 0.5 s later.
acts B3 B4
spares B5
knob SPECULATIVE_TURNS true
asr takes 200
llm takes 350
tts takes 150

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  4.86        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
              log     EARLY_START
  5.36        agent   יש שם שלושה חדרים.
 10.00        caller  hangs up

# An office that starts no thought early
> SPECULATIVE_TURNS=false: the same engines, one after the other behind the end of turn.
acts B4
spares B3
knob SPECULATIVE_TURNS false
asr takes 200
llm takes 350
tts takes 150

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.32        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
              no log  EARLY_START
  5.82        agent   יש שם שלושה חדרים.
 10.00        caller  hangs up

# An early thought that was too early
> The caller only drew breath: the thought is dropped, nothing of it is heard, kept or remembered.
acts B3 B2
spares A6
knob SPECULATIVE_TURNS true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.40   caller  שלום מדברת דנה
              log     EARLY_START turn
  4.61        asked   שלום מדברת דנה
              replies נעים מאוד דנה, מה בדיוק?
              keeps   name=דנה
              log     EARLY_START dropped
  4.90-5.90   caller  ואני מחפשת דירה
              log     EARLY_START turn
              asked   שלום מדברת דנה ואני מחפשת דירה
              remembers 1
              replies נעים מאוד דנה, באיזו עיר?
  6.74        agent   נעים מאוד דנה, באיזו עיר?
 10.00        caller  hangs up

# What an early thought decided is done once it is heard
acts B3
spares F2
knob SPECULATIVE_TURNS true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני דנה מחיפה
  4.71        asked   אני דנה מחיפה
              replies נעים מאוד דנה.
              keeps   name=דנה
  5.34        lead    name=דנה
  5.34        agent   נעים מאוד דנה.
 10.00        caller  hangs up

# Two early thoughts, and no third
> SPECULATIVE_MAX=2: a caller who pauses at every word is not thought about each time.
acts B3
spares A3
knob SPECULATIVE_TURNS true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-3.40   caller  דירה
  3.57        asked   דירה
  3.75-4.15   caller  בחיפה
  4.34        asked   דירה בחיפה
  4.50-4.90   caller  למכירה
  5.25-5.65   caller  מיידית
  6.35        asked   דירה בחיפה למכירה מיידית
              replies יש לנו שתי דירות בחיפה.
  6.51        agent   יש לנו שתי דירות בחיפה.
 10.00        caller  hangs up
