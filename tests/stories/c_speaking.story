# One clear a reply, and none between its sentences
acts C1

  0.80        clear
  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים. ויש גם מרפסת שמש. מתי נוח לבוא?
  5.34        clear
  5.34        agent   יש שם שלושה חדרים.
              agent   ויש גם מרפסת שמש.
              agent   מתי נוח לבוא?
 10.00        caller  hangs up

# The first sentence is heard while the second is made
> The LLM needs a second for each further sentence; nobody waits for it.
acts C2
spares B5

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              pauses  1000
              replies יש שם שלושה חדרים ומרפסת. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה חדרים ומרפסת.
  6.84        agent   ויש גם מרפסת שמש.
 10.00        caller  hangs up

# A very short first sentence waits for the second
> "כן." alone would leave a hole behind it: up to 300 ms it waits for what follows.
acts B4
spares C2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אפשר לבוא מחר
  5.17        asked   אפשר לבוא מחר
              pauses  250
              replies כן. מחר בערב יש לנו זמן.
  5.52±0.05   agent   כן.
  5.70±0.05   agent   מחר בערב יש לנו זמן.
 10.00        caller  hangs up

# The network holds its breath
> 380 ms in which nothing of ours gets through: the agent is 400 ms ahead, and nobody hears it.
acts C3
sending stalls 6.00-6.38

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים גדולים מאוד ומרפסת שפונה לים.
  5.34-8.16   agent   יש שם שלושה חדרים גדולים מאוד ומרפסת שפונה לים.
 11.00        caller  hangs up

# The network holds its breath too long
> A second is more than the lead: the caller hears a hole, and every word; the agent speaks until its last.
acts C4
spares C3
sending stalls 6.00-7.00

  0.80        agent   שלום! איך אפשר לעזור?
              state   SPEAKING
              state   LISTENING
              state   THINKING
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים גדולים מאוד ומרפסת שפונה לים.
  5.34        state   SPEAKING
  5.34-6.42   agent   יש שם שלושה…
  7.00-8.74   agent   …חדרים גדולים מאוד ומרפסת שפונה לים.
  8.74        state   LISTENING
 12.00        caller  hangs up

# Marks that never come back
> A second after the computed end the agent listens all the same.
acts C4
spares F6
marks are lost

  0.80        agent   שלום! איך אפשר לעזור?
  0.80        state   SPEAKING
  3.06±0.1    state   LISTENING
  4.00-5.50   caller  כמה חדרים יש
  6.12        state   THINKING
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  6.34        agent   יש שם שלושה חדרים.
  6.34        state   SPEAKING
  8.42±0.1    state   LISTENING
 10.00        caller  hangs up

# Between two sentences the agent still speaks
> The second sentence is late; who speaks into the gap interrupts, as over the voice.
acts C4 D1 D2
spares A6

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              pauses  1900
              replies יש שם שלושה חדרים. ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה חדרים.
  6.46-7.96   caller  ומה המחיר
              log     BARGE_IN: interrupt
              asked   ומה המחיר
              replies המחיר נתון למשא ומתן.
  8.80        agent   המחיר נתון למשא ומתן.
 13.00        caller  hangs up

# A breath behind the agent's last word
> With energy alone 100 ms of breath would open an utterance; for 750 ms after our end it takes 160.
acts C5
knob VAD_ENGINE energy
knob MIN_VOICED_MS 60

  0.80-2.06   agent   שלום! איך אפשר לעזור?
  2.30-2.40   noise
              no log  THINKING
  6.00        caller  hangs up

# The caller answers at once
> Right behind the agent's last syllable, and is heard from the first word.
acts A2
spares C5

  0.80-2.06   agent   שלום! איך אפשר לעזור?
  2.10-3.60   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  4.44        agent   יש שם שלושה חדרים.
  8.00        caller  hangs up

# Who has just interrupted is not kept waiting
> With energy alone 140 ms would not open an utterance behind the agent's own end; behind a barge-in they do.
acts D2
spares C5
knob VAD_ENGINE energy

  0.80-1.34   agent   שלום!…
  1.30-1.90   caller  סליחה
              log     BARGE_IN: interrupt
  2.50-2.64   caller  נדל״ן
              asked   סליחה
              asked   סליחה נדל״ן
              replies שמחים לעזור לך בנדל״ן.
              agent   שמחים לעזור לך בנדל״ן.
  8.00        caller  hangs up
