# A question and its answer
> The plainest turn: 0.62 s of silence end it, a breath, and the answer.
acts A1 A3 B1 B2
spares B5 C4

  0.80        agent   שלום! איך אפשר לעזור?
  0.80        state   SPEAKING
  2.06        state   LISTENING
  3.00-4.50   caller  כמה חדרים יש
  5.12        state   THINKING
  5.17        asked   כמה חדרים יש
              replies יש שם שלושה חדרים ומרפסת. מתי נוח לבוא?
  5.34        agent   יש שם שלושה חדרים ומרפסת.
  5.34        state   SPEAKING
  6.84        agent   מתי נוח לבוא?
  7.62        state   LISTENING
              log     tts_done
              log     tts_done
              log     RESPONSE_GAP ms=840
 10.00        caller  hangs up

# A drill in the next room is not speech
> Loud enough for energy; the speech model knows better. Nothing is heard, nothing is answered.
acts A1 A5
spares A2 B1 E1

  0.80        agent   שלום! איך אפשר לעזור?
  0.80        state   SPEAKING
  2.06        state   LISTENING
  3.00-6.00   noise
  6.40-6.44   click
  7.00-7.04   click
              no log ASR_
  9.00        caller  hangs up

# With energy as the only judge the drill is an utterance
> VAD_ENGINE=energy is the playbook as it was written: what is loud is speech.
acts E1
spares A1
knob VAD_ENGINE energy

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.00   noise
  4.72        agent   אפשר לנסח שוב במשפט קצר?
  9.00        caller  hangs up

# The first syllable survives
> "לא" is over before the model believes that it is a voice; the STT gets all of it, from before its start.
acts A2
spares A5

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-3.30   caller  לא
              asked   לא
              replies אז נחפש משהו אחר בשבילך.
  4.02        agent   אז נחפש משהו אחר בשבילך.
  9.00        caller  hangs up

# A tenth of a second of voice is no word
> MIN_VOICED_MS: energy takes it for a voice, but it is too short to be one, and the STT is not asked.
acts A5
spares A2 E1
knob VAD_ENGINE energy

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-3.10   caller  לא
              no log  ASR_
  7.00        caller  hangs up

# A short word is long enough
> A seventh of a second, and it is answered.
acts A2
spares A5
knob VAD_ENGINE energy

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-3.14   caller  לא
              asked   לא
              replies אז נחפש משהו אחר בשבילך.
  3.86        agent   אז נחפש משהו אחר בשבילך.
  9.00        caller  hangs up

# An office whose callers clip their words
> MIN_VOICED_MS=60: a tenth of a second is a word.
acts A2
spares A5
knob VAD_ENGINE energy
knob MIN_VOICED_MS 60

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-3.10   caller  לא
              asked   לא
              replies אז נחפש משהו אחר בשבילך.
  3.82        agent   אז נחפש משהו אחר בשבילך.
  9.00        caller  hangs up

# A hum over the whole call does not hide the caller
> The floor is learnt from what the model calls silence; the voice is far above it, and its end is found.
acts A1 A3
spares A5

  0.00-9.00   hiss
  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  9.50        caller  hangs up

# A pause for thought is not the end
> Half a second in the middle of a sentence: one utterance, one answer.
acts A2
spares A3 A6

  0.80        agent   שלום! איך אפשר לעזור?
  0.80        state   SPEAKING
  2.06        state   LISTENING
  3.00-4.40   caller  אני מחפש דירה
  4.90-5.90   caller  בחיפה
  6.52        state   THINKING
  6.57        asked   אני מחפש דירה בחיפה
              replies יש לנו שתי דירות בחיפה.
  6.74        agent   יש לנו שתי דירות בחיפה.
  6.74        state   SPEAKING
  8.12        state   LISTENING
 10.00        caller  hangs up

# An impatient office tunes the silence down
> The playbook's tip: MIN_UTT_SEC 0.42 and VAD_HANGOVER_MS 120 bring the answer 80 ms sooner.
acts A3
spares B5
knob MIN_UTT_SEC 0.42
knob VAD_HANGOVER_MS 120

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.26±0.03   agent   יש שם שלושה חדרים.
  9.00        caller  hangs up

# A long story is taken at its next breath
> Past MAX_UTT_SEC the hangover alone ends the turn: the answer comes half a second sooner than after a short one.
acts A4
spares A3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-11.00  caller  אני רוצה למכור דירה ישנה ברחוב הרצל
 11.19        asked   אני רוצה למכור דירה ישנה ברחוב הרצל
              replies אשמח לעזור לך למכור אותה.
 11.36        agent   אשמח לעזור לך למכור אותה.
 15.00        caller  hangs up

# Six seconds are no long story
> Under MAX_UTT_SEC a breath of 0.4 s ends nothing.
acts A3
spares A4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-8.40   caller  אני רוצה למכור דירה ישנה
  8.80-9.60   caller  ברחוב הרצל
 10.27        asked   אני רוצה למכור דירה ישנה ברחוב הרצל
              replies אשמח לעזור לך למכור אותה.
 10.44        agent   אשמח לעזור לך למכור אותה.
 15.00        caller  hangs up

# A caller who never draws breath is answered all the same
> At twice MAX_UTT_SEC the turn is taken in the middle of the flood. The same voice cannot stop its own answer; what it says on is the next turn.
acts A4 B2
spares D1 D2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-19.00  caller  קודם נסעתי לחיפה ואז ראיתי בית יפה עם גינה גדולה ובריכה קטנה מאוד וגם חניה מקורה
 17.05        asked   קודם נסעתי לחיפה ואז ראיתי בית יפה עם גינה גדולה ובריכה קטנה מאוד וגם
              replies נשמע נהדר.
 17.22        agent   נשמע נהדר.
 19.67        asked   חניה מקורה
              replies אפשר לבוא לראות גם מחר.
 19.84        agent   אפשר לבוא לראות גם מחר.
              no log  BARGE_IN
 24.00        caller  hangs up

# Somebody across the room
> A voice more than 12 dB under the caller's own is not for us.
acts A5
spares A6 E1

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  8.00-9.50   far     מתי אוכלים
 12.00        caller  hangs up

# The caller leans back
> Half as loud as before is still the caller.
acts A1
spares A5

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  8.00-9.50   softly  ומה המחיר
              asked   ומה המחיר
              replies המחיר נתון למשא ומתן.
 10.34        agent   המחיר נתון למשא ומתן.
 14.00        caller  hangs up

# The caller goes on while the agent thinks
> What was said before is joined with what follows: one utterance, one answer, and the first thought is dropped.
> Who has paused for 0.7 s is given 0.78 s from now on.
acts A3 A6 B2
spares B5 E2
llm takes 600

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני מחפש דירה
  5.17        asked   אני מחפש דירה
              replies מה בדיוק מחפשים?
  5.20-6.70   caller  בחיפה
  7.53        asked   אני מחפש דירה בחיפה
              replies יש לנו שתי דירות בחיפה.
  8.18        agent   יש לנו שתי דירות בחיפה.
 12.00        caller  hangs up

# A door slams while the agent thinks
> It holds the answer back until it is judged, and no longer; the answer is untouched.
acts A5
spares A6 B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.20-5.40   slam
  5.60±0.1    agent   יש שם שלושה חדרים.
  9.00        caller  hangs up

# A caller who thinks while he speaks
> The first pause of 0.7 s is taken for the end, and what follows joins it. The next ones are waited for, in this turn and the next.
acts A3 A6
spares B5 E2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.40   caller  ראיתי מודעה
  5.07        asked   ראיתי מודעה
              replies איפה ראית אותה?
  5.10-6.50   caller  על דירה
  7.20-8.60   caller  בחיפה
  9.43        asked   ראיתי מודעה על דירה בחיפה
              replies יש לנו שתי דירות בחיפה.
  9.60        agent   יש לנו שתי דירות בחיפה.
 13.00-14.40  caller  אפשר לראות
 15.10-16.50  caller  אותן ביחד
 17.33        asked   אפשר לראות אותן ביחד
              replies בשמחה, מתי?
 17.50        agent   בשמחה, מתי?
 20.00        caller  hangs up

# A caller who draws breath
> Pauses of 0.4 s are nobody's reason to wait: the answer comes as soon as after a sentence without any.
acts A3
spares A6

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.40   caller  ראיתי מודעה
  4.80-6.20   caller  בחיפה
  6.60-8.00   caller  בקומה ראשונה
  8.67        asked   ראיתי מודעה בחיפה בקומה ראשונה
              replies יש לנו שתי דירות כאלה.
  8.84        agent   יש לנו שתי דירות כאלה.
 12.00        caller  hangs up

# An office that waits for nobody
> ADAPTIVE_SILENCE_MS=0: every pause of 0.7 s is an end, and is joined.
acts A6
spares A3
knob ADAPTIVE_SILENCE_MS 0

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.40   caller  ראיתי מודעה
  5.07        asked   ראיתי מודעה
              replies איפה ראית אותה?
  5.10-6.50   caller  על דירה
  7.17        asked   ראיתי מודעה על דירה
              replies באיזו עיר?
  7.20-8.60   caller  בחיפה
  9.27        asked   ראיתי מודעה על דירה בחיפה
              replies יש לנו שתי דירות בחיפה.
  9.44        agent   יש לנו שתי דירות בחיפה.
 13.00        caller  hangs up
