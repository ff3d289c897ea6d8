# "Aha" is no interruption
> Backchannel, of half a second: no silence of a turn is waited for, nor a breath. Of the sentence too little was heard: it is said again.
acts D4
spares E1 B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
  5.17        asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה…
  6.10-6.60   caller  אהה
              log     BARGE_IN: interrupt
              log     BACKCHANNEL → ignore
  6.78        agent   יש שם שלושה חדרים גדולים.
              agent   ויש גם מרפסת שמש.
 12.00        caller  hangs up

# "One moment" is always real
> Words that come while the caller speaks hold the turn (A7): who asks for a moment may go on.
acts D2
spares D4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה…
  6.10-6.70   caller  רגע רגע
              log     BARGE_IN: interrupt
              asked   רגע רגע
              knows   יש שם שלושה…
              replies בבקשה, אני איתך.
  7.42±0.75   agent   בבקשה, אני איתך.
 11.00        caller  hangs up

# "Yes" to a question is an answer
> In the middle of the question: the agent was asking, and has been answered.
acts D2
spares D4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים. רוצים לבוא לראות אותה מחר?
  5.34        agent   יש שם שלושה חדרים.
              agent   רוצים לבוא לראות…
  7.40-7.90   caller  כן
              log     BARGE_IN: interrupt
              asked   כן
              replies מצוין, רשמתי.
  8.62        agent   מצוין, רשמתי.
 12.00        caller  hangs up

# "Yes" in the middle of a statement is only listening
acts D4
spares B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה…
  6.10-6.60   caller  כן
              log     BARGE_IN: interrupt
              log     BACKCHANNEL → ignore
  6.78        agent   יש שם שלושה חדרים גדולים.
              agent   ויש גם מרפסת שמש.
 12.00        caller  hangs up

# A nod late in a sentence
> It goes on with the word that was cut: what was heard of the sentence is not told twice, and the history does not say that it was cut.
acts D4
spares D2 E1

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies הבית חדש מאוד ויש בו ארבע דירות. ויש גם מרפסת שמש.
  5.34        agent   הבית חדש מאוד ויש בו…
  6.66-7.06   caller  אוקיי
              log     BARGE_IN: interrupt
              log     BACKCHANNEL → ignore
  7.22        agent   …בו ארבע דירות.
              agent   ויש גם מרפסת שמש.
 14.00-15.50  caller  ומתי אפשר להיכנס
              asked   ומתי אפשר להיכנס
              knows   הבית חדש מאוד ויש בו ארבע דירות. ויש גם מרפסת שמש.
              replies כבר מהחודש הבא.
              agent   כבר מהחודש הבא.
 19.00        caller  hangs up

# A longer nod, as the STT guesses it
> All that was said so far is nods: as soon as the voice pauses the agent goes on, whenever the final transcript comes.
acts D4
spares A3
partials lag 200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies הבית חדש מאוד ויש בו ארבע דירות. ויש גם מרפסת שמש.
  5.34        agent   הבית חדש מאוד ויש בו…
  6.66-7.66   caller  הבנתי, בסדר גמור
              stt     take 900
              log     BARGE_IN: interrupt
              log     BACKCHANNEL → ignore
  7.86        agent   …בו ארבע דירות.
              agent   ויש גם מרפסת שמש.
 14.00        caller  hangs up

# The guess was a nod, and the words say more
> The way back stays open: the agent has gone on, stops again, and answers.
acts D4 D2
spares E1 A6

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies הבית חדש מאוד ויש בו ארבע דירות. ויש גם מרפסת שמש.
  5.34        agent   הבית חדש מאוד ויש בו…
  6.66-7.16   caller  כן אבל מה המחיר
              stt     guess 0.6 כן
              stt     take 900
              log     BARGE_IN: interrupt
              log     BACKCHANNEL → ignore
  7.32        agent   …בו ארבע דירות.
              agent   …
              log     BARGE_IN: interrupt
  8.20        asked   כן אבל מה המחיר
              knows   הבית חדש מאוד ויש בו ארבע דירות.…
              replies המחיר נתון למשא ומתן.
              agent   המחיר נתון למשא ומתן.
 13.00        caller  hangs up

# A hesitation over our voice is a nod
> No turn is held for it.
acts D4
spares A7
partials lag 200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies הבית חדש מאוד ויש בו ארבע דירות. ויש גם מרפסת שמש.
  5.34        agent   הבית חדש מאוד ויש בו…
  6.66-7.26   caller  אהמ
              log     BARGE_IN: interrupt
              log     BACKCHANNEL → ignore
  7.46        agent   …בו ארבע דירות.
              agent   ויש גם מרפסת שמש.
 13.00        caller  hangs up

# A hesitation over our question
> The caller thinks: the turn is held for the answer.
acts A7
spares D4
partials lag 200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים. רוצים לבוא לראות אותה מחר?
  5.34        agent   יש שם שלושה חדרים.
              agent   רוצים לבוא לראות…
  7.40-8.00   caller  אהמ
  8.60-9.20   caller  דווקא מחרתיים
              asked   אהמ דווקא מחרתיים
              replies מצוין, רשמתי.
              agent   מצוין, רשמתי.
              no log  BACKCHANNEL
 13.00        caller  hangs up

# A reply cut before it was all thought
> The rest is asked for again; the caller hears all of it.
acts D4
spares E2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              pauses  1400
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה…
  6.10-6.60   caller  אהה
              log     BACKCHANNEL → ignore
              asked   ספרו לי על הדירה
              replies ויש גם מרפסת שמש.
  6.78        agent   יש שם שלושה חדרים גדולים.
              agent   ויש גם מרפסת שמש.
 12.00        caller  hangs up

# A word that nobody listed, and the LLM hears that it is only listening
> It answers "…": never spoken, never in the history; the cut sentence is said again and the rest follows.
acts D4
spares E1 G2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה…
  6.10-6.60   caller  אחלה בחלה
              log     BARGE_IN: interrupt
              asked   אחלה בחלה
              replies …
              log     ONLY_LISTENS
  6.82        agent   יש שם שלושה חדרים גדולים.
              agent   ויש גם מרפסת שמש.
 14.00-15.50  caller  ומתי אפשר להיכנס
              asked   ומתי אפשר להיכנס
              knows   יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
              replies כבר מהחודש הבא.
              agent   כבר מהחודש הבא.
 20.00        caller  hangs up

# Such a word, and the LLM has an answer to it
acts D2
spares D4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה…
  6.10-6.60   caller  בלי מעלית
              log     BARGE_IN: interrupt
              asked   בלי מעלית
              replies יש שם מעלית חדשה.
              no log  ONLY_LISTENS
  7.32        agent   יש שם מעלית חדשה.
 12.00        caller  hangs up

# The LLM hears it while the silence is counted
> Asked early, in the closing silence of a voice that lasted longer than a nod: that silence ends, and the reply goes on.
acts D4 B3
spares B2
knob SPECULATIVE_TURNS true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה…
  6.10-6.90   caller  אחלה בחלה
              log     BARGE_IN: interrupt
  7.11        asked   אחלה בחלה
              replies …
              log     ONLY_LISTENS
              log     BACKCHANNEL → ignore
  7.12        agent   יש שם שלושה חדרים גדולים.
              agent   ויש גם מרפסת שמש.
 14.00        caller  hangs up

# The LLM is still at it, and the caller goes on
> What follows makes more of it than listening: all of it is answered.
acts A6
spares D4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה…
  6.10-6.60   caller  אחלה בחלה
  6.81        asked   אחלה בחלה
              takes   500
              replies …
  6.95-8.15   caller  ומה עם חניה
              asked   אחלה בחלה ומה עם חניה
              replies יש חניה אחת.
              agent   יש חניה אחת.
              no log  BACKCHANNEL
 13.00        caller  hangs up

# The LLM hears it too late
> The caller has heard that we think: it is asked once more, now for an answer.
acts B5
spares D4
knob SPECULATIVE_TURNS false
knob THINKING_HINT_MS 800
knob THINKING_TEXT_HE שנייה אחת

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה…
  6.10-6.60   caller  אחלה בחלה
              asked   אחלה בחלה
              takes   1400
              replies …
              agent   שנייה אחת
              log     ONLY_LISTENS
              asked   אחלה בחלה
              replies אחלה, ומה חשוב לך?
              no log  BACKCHANNEL
              agent   אחלה, ומה חשוב לך?
 14.00        caller  hangs up

# Two words that nobody listed, to a question of ours
> They are its answer: the LLM is not told that it may go on.
acts B2
spares D4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים. רוצים לבוא לראות אותה מחר?
  5.34        agent   יש שם שלושה חדרים.
              agent   רוצים לבוא לראות…
  7.40-7.90   caller  אחלה בחלה
              asked   אחלה בחלה
              replies מצוין, רשמתי.
  8.62        agent   מצוין, רשמתי.
              no log  ONLY_LISTENS
 12.00        caller  hangs up

# Prices are said in words
> Digits and ₪ become Hebrew words before the voice; the history keeps what the LLM wrote.
acts E6
spares D3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה עולה הדירה
              asked   כמה עולה הדירה
              replies המחיר 3,000 ₪ לחודש.
  5.34        agent   המחיר שלושת אלפים שקלים לחודש.
 10.00-11.50  caller  ומתי אפשר להיכנס
              asked   ומתי אפשר להיכנס
              knows   המחיר 3,000 ₪ לחודש.
              replies כבר מהחודש הבא.
 12.34        agent   כבר מהחודש הבא.
 16.00        caller  hangs up

# Words are left as they are
acts B2
spares E6

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה עולה הדירה
              asked   כמה עולה הדירה
              replies שלושת אלפים שקלים לחודש.
  5.34        agent   שלושת אלפים שקלים לחודש.
 10.00        caller  hangs up
