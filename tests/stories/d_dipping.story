# She goes on lower under a nod
> BARGE_IN_STYLE=dip: she notices, and says not a word less; behind the nod she is as loud as before.
acts D1 D4
spares D2 D3
knob BARGE_IN_STYLE dip

  0.80        agent   שלום! איך אפשר לעזור?
  0.80        clear
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies הבית חדש מאוד ויש בו ארבע דירות. ויש גם מרפסת שמש.
  5.34        clear
  5.34-7.26   agent   הבית חדש מאוד ויש בו ארבע דירות.
  6.66-7.00   caller  אוקיי
  6.84        clear
              log     LOWER_LEVEL
  6.84-7.60±0.10 lower
  7.26        agent   ויש גם מרפסת שמש.
              log     BACKCHANNEL → ignore
              log     FULL_LEVEL
              no log  BARGE_IN
 14.00-15.50  caller  ומתי אפשר להיכנס
              asked   ומתי אפשר להיכנס
              knows   הבית חדש מאוד ויש בו ארבע דירות. ויש גם מרפסת שמש.
              replies כבר מהחודש הבא.
              clear
              agent   כבר מהחודש הבא.
 19.00        caller  hangs up

# She is lower first, and silent when the caller goes on
> BARGE_IN_STYLE=dip: half a second of a voice is no nod.
acts D1 D2 D3
spares D4
knob BARGE_IN_STYLE dip

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies הבית חדש מאוד ויש בו ארבע דירות. ויש גם מרפסת שמש.
  5.34-7.14   agent   הבית חדש מאוד ויש בו ארבע…
  6.66-7.86   caller  ומה המחיר של זה
  6.84-7.14   lower
              log     LOWER_LEVEL
              log     BARGE_IN: interrupt
              asked   ומה המחיר של זה
              knows   הבית חדש מאוד ויש בו ארבע…
              replies המחיר נתון למשא ומתן.
              agent   המחיר נתון למשא ומתן.
              no log  FULL_LEVEL
 13.00        caller  hangs up

# A short no ends it
> BARGE_IN_STYLE=dip: too brief to last, but its words are known 300 ms later, and they are none of a listener's.
acts D2 D4
spares E1
knob BARGE_IN_STYLE dip

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies הבית חדש מאוד ויש בו ארבע דירות. ויש גם מרפסת שמש.
  5.34-7.14±0.10 agent   הבית חדש מאוד ויש בו ארבע…
  6.66-6.96   caller  לא
              log     BARGE_IN: interrupt
              asked   לא
              replies אז מה לחפש במקום זה?
              agent   אז מה לחפש במקום זה?
              no log  BACKCHANNEL
              no log  FULL_LEVEL
 13.00        caller  hangs up

# A cough lowers her only where it would have stopped her
> BARGE_IN_EARLY_STOP with BARGE_IN_STYLE=dip: lower at once, and back when it was noise; not a frame is missing.
acts D1 D4
spares D2 D3
knob BARGE_IN_STYLE dip
knob BARGE_IN_EARLY_STOP true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים ומרפסת. מתי נוח לבוא?
  5.34-6.84   agent   יש שם שלושה חדרים ומרפסת.
  6.00-6.30   cough
  6.06-6.86±0.10 lower
  6.84        agent   מתי נוח לבוא?
              no log  BARGE_IN
 12.00        caller  hangs up

# Behind her question a nod is an answer
> BARGE_IN_STYLE=dip: she was asking when the caller came in; lower or not, it is answered.
acts D4
spares D3
knob BARGE_IN_STYLE dip

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם מרפסת שמש. נוח לך לבוא ביום ראשון בבוקר או אולי ביום שני בערב?
  5.34        agent   יש שם מרפסת שמש.
              agent   נוח לך לבוא ביום ראשון בבוקר או…
  7.90-8.30   caller  כן
              asked   כן
              replies רשמתי.
              agent   רשמתי.
              no log  BACKCHANNEL
 14.00        caller  hangs up
