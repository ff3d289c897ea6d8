# The STT heard nothing
> Somebody spoke for a second and a half, and no words came out: the agent asks, not the LLM.
acts E1
spares G2 E4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              stt    hear nothing
  5.34        agent   אפשר לנסח שוב במשפט קצר?
  8.00-9.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              remembers 2
              knows   אפשר לנסח שוב במשפט קצר?
              replies יש שם שלושה חדרים.
 10.34        agent   יש שם שלושה חדרים.
 13.00        caller  hangs up

# The STT is not sure
> Under ASR_MIN_CONFIDENCE the words are not given to the LLM.
acts E1
spares G2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  מה זה
              stt    doubt 0.2
  5.34        agent   אפשר לנסח שוב במשפט קצר?
 10.00        caller  hangs up

# Doubtful words over the agent
> They were words: the agent asks for them, and does not talk on as after a cough.
acts E1 D2
spares D4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש.
  5.34-6.18   agent   יש שם…
  6.00-7.20   caller  ומה המחיר
              stt    doubt 0.2
              log     BARGE_IN: interrupt
  7.92        agent   אפשר לנסח שוב במשפט קצר?
 12.00        caller  hangs up

# Three times unclear
> The wording varies, and the third offers to call back.
acts E1
spares E2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              stt    hear nothing
  5.34        agent   אפשר לנסח שוב במשפט קצר?
  8.00-9.50   caller  כמה חדרים יש
              stt    hear nothing
 10.34        agent   סליחה, לא הבנתי. אפשר להגיד את זה שוב, בקצרה?
 13.50-15.00  caller  כמה חדרים יש
              stt    hear nothing
 15.84        agent   קשה לי לשמוע. תרצו שנציג יחזור אליכם?
 20.00        caller  hangs up

# A grunt is not worth a question
> Under 400 ms of voice without words: back to listening, and nobody is bothered.
acts B1
spares E1 B5

  0.80        agent   שלום! איך אפשר לעזור?
  0.80        state   SPEAKING
  2.06        state   LISTENING
  3.00-3.30   mumble
  3.80        state   THINKING
  3.85        state   LISTENING
  7.00        caller  hangs up

# An STT that never finish, but guessed
> No final by the deadline: the last partial is the transcript.
acts G1
spares E1 G2
partials lag 200

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              stt    never answer
  5.72        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.82        agent   יש שם שלושה חדרים.
              log     ASR_ERR: no transcript within 1200 ms
  9.00        caller  hangs up

# The caller repeats himself while the agent thinks
> The same words again are dropped, not joined, and answered once.
acts E2 A6
spares E3
knob SPECULATIVE_TURNS false
llm takes 700

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.40-6.90   caller  כמה חדרים יש
              log     DEDUP user → ignore
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  8.68        agent   יש שם שלושה חדרים.
 12.00        caller  hangs up

# The answer was ready when the caller repeated himself
> It is played without asking the LLM again.
acts E2 B4
spares A6
knob RESP_MIN_DELAY_MS 800
knob RESP_MAX_DELAY_MS 800

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
  5.17        asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.50-7.00   caller  כמה חדרים יש
              log     DEDUP user → ignore
  8.92        agent   יש שם שלושה חדרים.
 12.00        caller  hangs up

# The same word to two questions is two answers
acts B2
spares E2 E3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-3.80   caller  חיפה
              asked   חיפה
              replies ובאיזו עיר עוד לחפש?
  4.52        agent   ובאיזו עיר עוד לחפש?
  7.00-7.80   caller  חיפה
              asked   חיפה
              replies טוב, רק בחיפה.
  8.52        agent   טוב, רק בחיפה.
              no log  DEDUP
 12.00        caller  hangs up

# Our own voice comes back
> The line returns what the agent has just said: it is not answered, and the sentence is said again.
acts E3 D4
spares E1 B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש גדולה.
  5.34        agent   יש שם שלושה חדרים גדולים.
              agent   ויש…
  7.10-8.00   echo    שלושה חדרים גדולים
              log     BARGE_IN: interrupt
              log     ECHO → ignore
  8.52        agent   ויש גם מרפסת שמש גדולה.
 14.00        caller  hangs up

# Who takes up an offer is no echo
> Our words in the caller's mouth, well after ours: an answer.
acts B2
spares E3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  שלום וברכה
              asked   שלום וברכה
              replies אפשר לקנות דירה, לשכור דירה גדולה, או למכור. מה תרצו?
  5.34        agent   אפשר לקנות דירה, לשכור דירה גדולה, או למכור.
              agent   מה תרצו?
 10.50-11.50  caller  לשכור דירה גדולה
              asked   לשכור דירה גדולה
              replies יש לנו כמה דירות להשכרה.
 12.22        agent   יש לנו כמה דירות להשכרה.
              no log  ECHO
 16.00        caller  hangs up

# One of two offers, right behind them
> 0.3 s after our last word, in our own words: an answer all the same.
acts B2
spares E3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אפשר לראות את הדירה
              asked   אפשר לראות את הדירה
              replies מתי נוח להיפגש, ביום שני בבוקר או ביום שלישי בערב?
  5.34-8.34   agent   מתי נוח להיפגש, ביום שני בבוקר או ביום שלישי בערב?
  8.64-9.84   caller  ביום שני בבוקר
              asked   ביום שני בבוקר
              replies רשמתי, נתראה שם.
              agent   רשמתי, נתראה שם.
              no log  ECHO
 15.00        caller  hangs up

# The other of the two offers
> Even our very last words are the caller's, where we gave a choice.
acts B2
spares E3

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אפשר לראות את הדירה
              asked   אפשר לראות את הדירה
              replies מתי נוח להיפגש, ביום שני בבוקר או ביום שלישי בערב?
  5.34-8.34   agent   מתי נוח להיפגש, ביום שני בבוקר או ביום שלישי בערב?
  8.64-9.84   caller  ביום שלישי בערב
              asked   ביום שלישי בערב
              replies רשמתי, נתראה שם.
              agent   רשמתי, נתראה שם.
              no log  ECHO
 15.00        caller  hangs up

# A sentence that was just heard is not said again
acts E4
spares E2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  8.00-9.50   caller  ומה עוד יש
              asked   ומה עוד יש
              replies יש שם שלושה חדרים. ויש גם מרפסת שמש.
 10.34        agent   ויש גם מרפסת שמש.
 14.00        caller  hangs up

# Nothing new to say
> The whole reply was just heard: a line of ours in its place, never silence, and no rebuke.
acts E4
spares G2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  8.00-9.50   caller  אז מה יש
              asked   אז מה יש
              replies יש שם שלושה חדרים.
 10.34        agent   הבנתי. להרחיב על זה, או שנמשיך?
 14.00        caller  hangs up

# The caller asks to hear it again
> Then the same sentence is the answer.
acts B2
spares E4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  8.00-9.50   caller  אפשר שוב בבקשה
              asked   אפשר שוב בבקשה
              replies יש שם שלושה חדרים.
 10.34        agent   יש שם שלושה חדרים.
 14.00        caller  hangs up

# One item of it again, slower
> By how it is asked for, not by a phrase: what was just heard is said again.
acts B2
spares E4

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  8.00-9.50   caller  לא קלטתי את המספר תגידי יותר לאט
              asked   לא קלטתי את המספר תגידי יותר לאט
              replies יש שם שלושה חדרים.
 10.34        agent   יש שם שלושה חדרים.
 14.00        caller  hangs up

# An LLM that asks nothing
> A plain statement that is too short gets one question; the shape adds no other, and none to a request.
acts E5
spares E4
replies are shaped
knob LLM_MIN_CHARS 40

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
              agent   אפשר לעזור בעוד משהו?
 10.00        caller  hangs up

# An LLM that talks too much
> LLM_MAX_CHARS: it is cut at the end of a sentence.
acts E5
replies are shaped
knob LLM_MIN_CHARS 0
knob LLM_MAX_CHARS 50

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. ויש גם מרפסת שמש. ויש גם מחסן, וחניה, וגינה, ובריכה.
  5.34        agent   יש שם שלושה חדרים גדולים.
              agent   ויש גם מרפסת שמש.
 11.00        caller  hangs up

# An LLM that asks and talks on
> The question stays the last word: what stands behind it is not said any more.
acts E5
spares E4
replies are shaped
knob LLM_MIN_CHARS 0

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  ספרו לי על הדירה
              asked   ספרו לי על הדירה
              replies יש שם שלושה חדרים גדולים. מתי נוח לבוא? ויש גם מרפסת שמש.
  5.34        agent   יש שם שלושה חדרים גדולים.
              agent   מתי נוח לבוא?
 11.00        caller  hangs up

# A fixed line is said as it is written
> The shape is the LLM's: the agent's own short question gets nothing added.
acts E1
spares E5
replies are shaped

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              stt    hear nothing
  5.34        agent   אפשר לנסח שוב במשפט קצר?
 10.00        caller  hangs up

# An agent with a short memory
> LLM_HISTORY_TURNS=1: the LLM knows the last turn and nothing before it.
acts E7
spares D3
knob LLM_HISTORY_TURNS 1

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              remembers 1
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  8.00-9.50   caller  ומה המחיר
              asked   ומה המחיר
              remembers 2
              replies המחיר נתון למשא ומתן.
 10.34        agent   המחיר נתון למשא ומתן.
 13.50-15.00  caller  ומתי אפשר לבוא
              asked   ומתי אפשר לבוא
              remembers 2
              knows   המחיר נתון למשא ומתן.
              replies מחר בערב יש לנו זמן.
 15.84        agent   מחר בערב יש לנו זמן.
 20.00        caller  hangs up

# The agent remembers twelve turns
> By default, the greeting among them: at the thirteenth it is the first to be forgotten.
acts B2
spares E7

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-3.80   caller  אחת
              asked   אחת
              replies דירה אחת.
              agent   דירה אחת.
  7.00-7.80   caller  שתיים
              asked   שתיים
              replies דירה שתיים.
              agent   דירה שתיים.
 11.00-11.80  caller  שלוש
              asked   שלוש
              replies דירה שלוש.
              agent   דירה שלוש.
 15.00-15.80  caller  ארבע
              asked   ארבע
              replies דירה ארבע.
              agent   דירה ארבע.
 19.00-19.80  caller  חמש
              asked   חמש
              replies דירה חמש.
              agent   דירה חמש.
 23.00-23.80  caller  שש
              asked   שש
              replies דירה שש.
              agent   דירה שש.
 27.00-27.80  caller  שבע
              asked   שבע
              replies דירה שבע.
              agent   דירה שבע.
 31.00-31.80  caller  שמונה
              asked   שמונה
              replies דירה שמונה.
              agent   דירה שמונה.
 35.00-35.80  caller  תשע
              asked   תשע
              replies דירה תשע.
              agent   דירה תשע.
 39.00-39.80  caller  עשר
              asked   עשר
              replies דירה עשר.
              agent   דירה עשר.
 43.00-43.80  caller  אחת עשרה
              asked   אחת עשרה
              replies דירה אחת עשרה.
              agent   דירה אחת עשרה.
 47.00-47.80  caller  שתים עשרה
              asked   שתים עשרה
              remembers 23
              replies דירה שתים עשרה.
              agent   דירה שתים עשרה.
 51.00-51.80  caller  שלוש עשרה
              asked   שלוש עשרה
              remembers 24
              replies דירה שלוש עשרה.
              agent   דירה שלוש עשרה.
 55.00        caller  hangs up

# Hold music
> Two seconds of a voice without words, again and again: at the sixth our side gives up, and leaves a line for the office.
acts E1 F2
spares B2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-5.00   mumble
              agent   אפשר לנסח שוב במשפט קצר?
 10.00-12.00  mumble
              agent   סליחה, לא הבנתי. אפשר להגיד את זה שוב, בקצרה?
 17.00-19.00  mumble
              agent   קשה לי לשמוע. תרצו שנציג יחזור אליכם?
 24.00-26.00  mumble
              agent   אפשר לנסח שוב במשפט קצר?
 31.00-33.00  mumble
              agent   סליחה, לא הבנתי. אפשר להגיד את זה שוב, בקצרה?
 38.00-40.00  mumble
              agent   לצערי זה לא עובד כרגע, אז נסיים כאן. נחזור אליכם בהקדם. להתראות!
              lead    message=לא הצלחנו לשמוע או לענות
 45.90±0.4    agent   hangs up

# Hold music, and there is a person
> The sixth time nobody is asked any more: whoever it is, is handed over.
acts E1 F3
spares F2
knob TRANSFER_NUMBER +97235550000

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-5.00   mumble
              agent   אפשר לנסח שוב במשפט קצר?
 10.00-12.00  mumble
              agent   סליחה, לא הבנתי. אפשר להגיד את זה שוב, בקצרה?
 17.00-19.00  mumble
              agent   קשה לי לשמוע. להעביר אתכם לנציג?
 24.00-26.00  mumble
              agent   אפשר לנסח שוב במשפט קצר?
 31.00-33.00  mumble
              agent   סליחה, לא הבנתי. אפשר להגיד את זה שוב, בקצרה?
 38.00-40.00  mumble
              agent   רגע אחד, אני מעבירה את השיחה לנציג.
 44.20±0.4    agent   hands over

# Unclear five times, and then not
> One turn that is understood, and the count begins anew.
acts B2
spares E1

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   mumble
              agent   אפשר לנסח שוב במשפט קצר?
  9.00-10.50  mumble
              agent   סליחה, לא הבנתי. אפשר להגיד את זה שוב, בקצרה?
 15.00-16.50  mumble
              agent   קשה לי לשמוע. תרצו שנציג יחזור אליכם?
 21.00-22.50  mumble
              agent   אפשר לנסח שוב במשפט קצר?
 27.00-28.50  mumble
              agent   סליחה, לא הבנתי. אפשר להגיד את זה שוב, בקצרה?
 33.00-34.50  caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
              agent   יש שם שלושה חדרים.
 39.00-40.50  mumble
 41.34        agent   אפשר לנסח שוב במשפט קצר?
 46.00        caller  hangs up

# Who asks a third time is told
> A sentence that was just heard is skipped once; who asks again hears it again.
acts E4
spares G2

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
  8.00-9.50   caller  אז מה יש
              asked   אז מה יש
              replies יש שם שלושה חדרים.
 10.34        agent   הבנתי. להרחיב על זה, או שנמשיך?
 14.00-15.50  caller  חדרים כמה
              asked   חדרים כמה
              replies יש שם שלושה חדרים.
 16.34        agent   יש שם שלושה חדרים.
 20.00        caller  hangs up

# A while later the same answer is an answer
> DEDUP_WINDOW_SEC after it was heard nobody remembers it word for word.
acts B2
spares E4
knob DEDUP_WINDOW_SEC 14
knob IDLE_PROMPT_SEC 0

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  כמה חדרים יש
              asked   כמה חדרים יש
              replies יש שם שלושה חדרים.
  5.34        agent   יש שם שלושה חדרים.
 22.00-23.50  caller  אז מה יש
              asked   אז מה יש
              replies יש שם שלושה חדרים.
 24.34        agent   יש שם שלושה חדרים.
 28.00        caller  hangs up

# The LLM knows what our line has said
> A caller who was not understood, and then is: the LLM sees that he was asked again.
acts F3 E7
spares E3
an LLM listens

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אפשר לדבר עם נציג
  5.34        agent   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
 12.00-13.00  caller  מתי יהיה
              asked   מתי יהיה
              remembers 3
              knows   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
              replies המשרד פתוח מתשע.
 13.70        agent   המשרד פתוח מתשע.
 18.00        caller  hangs up
