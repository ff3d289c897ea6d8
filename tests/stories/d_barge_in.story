# The caller interrupts
> Silent once the model knows a voice (here after 180 ms); the caller's words are heard from the first one, and answered.
acts D1 D2 D3
spares D4

  0.80        agent   שלום! איך אפשר לעזור?
  0.80        clear
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש. מתי נוח לבוא?
  5.34        clear
  5.34        agent   יש שם שלושה חדרים גדולים.
              agent   ויש גם…
  7.52        clear
  7.34-8.54   caller  ומה המחיר
              log     BARGE_IN: interrupt
              asked   ומה המחיר
              knows   יש שם שלושה חדרים גדולים. ויש גם…
              replies המחיר נתון למשא ומתן.
  9.26        clear
  9.26        agent   המחיר נתון למשא ומתן.
 13.00        caller  hangs up

# A cough does not stop her at all
> It is judged while she speaks on: no frame is missing, none is said twice, and the caller's next words find her ready.
acts D1
spares D2 D3 D4 E1

  0.80        agent   שלום! איך אפשר לעזור?
  0.80        clear
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              replies יש שם שלושה חדרים ומרפסת. מתי נוח לבוא?
  5.34        clear
  5.34-6.86   agent   יש שם שלושה חדרים ומרפסת.
  6.00-6.30   cough
  6.70-6.90   cough
  6.84-7.62   agent   מתי נוח לבוא?
              no log  BARGE_IN
 10.50-11.50  caller  מחר בערב
              asked   מחר בערב
              knows   יש שם שלושה חדרים ומרפסת. מתי נוח לבוא?
              replies רשמתי, מחר בערב.
 12.22        clear
 12.22        agent   רשמתי, מחר בערב.
 16.00        caller  hangs up

# A cough does not stop the agent for long
> BARGE_IN_EARLY_STOP: it stops to judge, and goes on from the very word; nobody is asked anything.
acts D1 D4
spares D2 D3 E1
knob BARGE_IN_EARLY_STOP true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              replies יש שם שלושה חדרים ומרפסת. מתי נוח לבוא?
  5.34-6.06   agent   יש שם…
  6.00-6.30   cough
  6.46        agent   …שלושה חדרים ומרפסת.
              agent   מתי נוח לבוא?
              no log  BARGE_IN
 10.50-11.50  caller  מחר בערב
              asked   מחר בערב
              knows   יש שם שלושה חדרים ומרפסת. מתי נוח לבוא?
              replies רשמתי, מחר בערב.
 12.22        agent   רשמתי, מחר בערב.
 16.00        caller  hangs up

# The third cough is not waited for
> BARGE_IN_EARLY_STOP: after two false stops in one reply only a confirmed voice stops the agent.
acts D1 D4
spares D2
knob BARGE_IN_EARLY_STOP true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים ומרפסת שמש שפונה לים ומחסן פרטי.
  5.34-5.86   agent   יש…
  5.80-6.10   cough
  6.26-6.96   agent   …שם שלושה…
  6.90-7.20   cough
  7.36        agent   …חדרים גדולים ומרפסת שמש שפונה לים ומחסן פרטי.
  8.00-8.30   cough
              no log  BARGE_IN
 13.00        caller  hangs up

# A noisy street
> The floor is learnt: what is no louder neither stops the agent nor hides the end of the caller's words.
acts A1 A3
spares D1 A5

  0.00-4.00   noise
  0.80        agent   שלום! איך אפשר לעזור?
  4.00-5.50   shout   כמה חדרים יש
  5.50-6.10   noise
  6.20-6.90   noise
  7.00-7.70   noise
  7.80-8.50   noise
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים ומרפסת.
  6.36        agent   יש שם שלושה חדרים ומרפסת.
 10.00        caller  hangs up

# A voice too quiet to interrupt
> BARGE_IN_RMS above the caller's level: the agent finishes, and nothing is lost.
acts B2
spares D1
knob BARGE_IN_RMS 9000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים ומרפסת.
  5.34-6.86   agent   יש שם שלושה חדרים ומרפסת.
  5.80-6.40   caller  יופי
              no log  BARGE_IN
 10.00        caller  hangs up

# In the last moment it is no interruption
> The last 300 ms of a reply are as good as heard: the history does not say that it was cut.
acts D2
spares D3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים ומרפסת.
  5.34-6.66   agent   יש שם שלושה חדרים…
  6.48-7.68   caller  ומה המחיר
              log     BARGE_IN: interrupt
              asked   ומה המחיר
              knows   יש שם שלושה חדרים
              replies המחיר נתון למשא ומתן.
  8.40        agent   המחיר נתון למשא ומתן.
 12.00        caller  hangs up

# What was heard is what was played, not what was sent
> 150 ms each way: 400 ms of the reply are always on their way, and are not counted as heard.
acts D3
spares D4
network takes 150

  1.09        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים ומרפסת שמש. מתי נוח לבוא?
  5.64-7.36   agent   יש שם שלושה חדרים גדולים…
  6.88-8.08   caller  ומה המחיר
              log     BARGE_IN: interrupt
              asked   ומה המחיר
              knows   יש שם שלושה חדרים גדולים…
              replies המחיר נתון למשא ומתן.
  9.10        agent   המחיר נתון למשא ומתן.
 13.00        caller  hangs up

# A voice without words
> Confirmed, and then the STT hear nothing in it: the cut sentence is said again, and the rest.
acts D4 D2
spares E1

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
  5.17        asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש. מתי נוח לבוא?
  5.34        agent   יש שם שלושה חדרים גדולים.
              agent   ויש גם…
  7.26-8.06   mumble
              log     BARGE_IN: interrupt
  8.59        agent   ויש גם מרפסת שמש.
              agent   מתי נוח לבוא?
 14.00        caller  hangs up

# An agent that may not be interrupted
> BARGE_IN=false: it finishes; what was said over it is answered after it.
acts D5
spares D1 D2
knob BARGE_IN false

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. מתי נוח לבוא?
  5.34        agent   יש שם שלושה חדרים גדולים.
              agent   מתי נוח לבוא?
  6.00-7.20   caller  ומה המחיר
              asked   ומה המחיר
              replies המחיר נתון למשא ומתן.
  7.84±0.2    agent   המחיר נתון למשא ומתן.
              no log  BARGE_IN
 12.00        caller  hangs up

# An agent that may be interrupted
> The same words at the same moment, and BARGE_IN=true: it stops, and answers them at once.
acts D1 D2
spares D5
knob BARGE_IN true

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. מתי נוח לבוא?
  5.34-6.18   agent   יש שם…
  6.00-7.20   caller  ומה המחיר
              log     BARGE_IN: interrupt
              asked   ומה המחיר
              replies המחיר נתון למשא ומתן.
  7.92        agent   המחיר נתון למשא ומתן.
 12.00        caller  hangs up

# A key stops even an agent that may not be interrupted
> BARGE_IN=false is about voices.
acts D5 F5
knob BARGE_IN false

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. מתי נוח לבוא?
  5.34-6.32   agent   יש שם שלושה…
  6.30        caller  presses 5 #
              log     BARGE_IN: interrupt
              asked   5
              replies בחרת בשלוחה חמש.
  6.84        agent   בחרת בשלוחה חמש.
 10.00        caller  hangs up
