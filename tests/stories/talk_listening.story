# A sentence that cannot end there
> Behind "של" the agent waits up to 0.7 s longer: one utterance, one answer. The STT guess as they go.
acts A7
spares A3 A6
partials lag 200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.20   caller  אני מחפש דירה של
  5.10-6.00   caller  ארבעה חדרים
              asked   אני מחפש דירה של ארבעה חדרים
              replies יש לנו שתי דירות כאלה.
  6.84        agent   יש לנו שתי דירות כאלה.
 10.00        caller  hangs up

# The same pause behind a word that may end
> "בחיפה" may be all: the ordinary silence ends the turn, and what follows joins it (A6).
acts A3 A6
spares A7
partials lag 200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.20   caller  אני מחפש דירה בחיפה
  4.75        asked   אני מחפש דירה בחיפה
              takes   900
              replies יש לנו שתי דירות בחיפה.
  5.10-6.00   caller  ארבעה חדרים
  7.05        asked   אני מחפש דירה בחיפה ארבעה חדרים
              replies יש לנו שתי דירות כאלה.
  7.22        agent   יש לנו שתי דירות כאלה.
 10.00        caller  hangs up

# A telephone number in two breaths
> In the middle of a number nobody is cut off.
acts A7
spares A3 A6
partials lag 200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-5.00   caller  הטלפון שלי אפס חמש ארבע
  6.00-9.00   caller  שתיים שלוש ארבע חמש שש שבע שמונה
              asked   הטלפון שלי אפס חמש ארבע שתיים שלוש ארבע חמש שש שבע שמונה
              replies רשמתי את המספר.
              agent   רשמתי את המספר.
 13.00        caller  hangs up

# A telephone number in three breaths
> Each breath alone may be a whole number; what was said before it tells that it is not. Nobody speaks into the second pause.
acts A7 A6
spares D1
llm takes 400
partials lag 200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.20   caller  אפס חמש אפס
  5.43        asked   אפס חמש אפס
              replies כן?
  5.80-7.00   caller  אחת שתיים שלוש
  8.23±0.1    asked   אפס חמש אפס אחת שתיים שלוש
              replies כן?
  8.50-9.70   caller  ארבע חמש שש שבע
              asked   אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע
              replies רשמתי את המספר.
              agent   רשמתי את המספר.
 13.00        caller  hangs up

# "That is all" needs no long silence
> Words that end a sentence release the turn early.
acts A7
spares B5
partials lag 100

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני מחפש דירה בחיפה וזהו
              asked   אני מחפש דירה בחיפה וזהו
              replies יש לנו שתי דירות בחיפה.
  5.06±0.1    agent   יש לנו שתי דירות בחיפה.
  9.00        caller  hangs up

# An office without patience
> INCOMPLETE_HOLD_MS=0: "של" or not, the ordinary silence ends the turn.
acts A3
spares A7
knob INCOMPLETE_HOLD_MS 0
partials lag 200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני מחפש דירה של
  5.17        asked   אני מחפש דירה של
              replies של כמה חדרים?
  5.34        agent   של כמה חדרים?
  9.00        caller  hangs up

# The LLM hears that the caller has not finished
> A single "…": never spoken, never in the history; the turn is held, and the LLM is asked again.
acts A7
spares G2 E4
knob SPECULATIVE_TURNS true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אז רציתי לברר משהו
  4.71        asked   אז רציתי לברר משהו
              replies …
  5.84        asked   אז רציתי לברר משהו
              remembers 1
              replies בשמחה, מה לברר?
  6.04        agent   בשמחה, מה לברר?
 10.00        caller  hangs up

# The LLM hears it when the turn is over
> It took its time to find that the caller has not finished: they are waited for all the same, and it is asked again.
acts A7
spares G2
knob SPECULATIVE_TURNS true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אז רציתי לברר משהו
  4.71        asked   אז רציתי לברר משהו
              replies …
              takes 900
  5.84        asked   אז רציתי לברר משהו
              replies בשמחה, מה לברר?
              agent   בשמחה, מה לברר?
 10.00        caller  hangs up

# The LLM heard well: the caller goes on
> What follows joins what was said, and the LLM is asked about all of it.
acts A7
spares A6 B2
knob SPECULATIVE_TURNS true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אז רציתי לברר משהו
  4.71        asked   אז רציתי לברר משהו
              replies …
  5.60-6.80   caller  על הדירה בחיפה
              asked   אז רציתי לברר משהו על הדירה בחיפה
              replies בשמחה, מה לברר עליה?
  7.64        agent   בשמחה, מה לברר עליה?
 12.00        caller  hangs up

# The LLM may wait once
> It hears an unfinished caller a second time: that is no answer, and it is asked at the end of turn for one.
acts A7 G2
spares A6
knob SPECULATIVE_TURNS true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אז רציתי לברר משהו
  4.71        asked   אז רציתי לברר משהו
              replies …
  5.60-6.80   caller  על הדירה בחיפה
  7.01        asked   אז רציתי לברר משהו על הדירה בחיפה
              replies …
  7.44        asked   אז רציתי לברר משהו על הדירה בחיפה
              replies בשמחה, מה לברר עליה?
  7.64        agent   בשמחה, מה לברר עליה?
 12.00        caller  hangs up
