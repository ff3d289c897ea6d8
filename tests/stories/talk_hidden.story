# A hidden number is asked for
> There is no person, and no number to call back: it is asked for, once, and then the promise can be kept.
acts F3
spares E1
caller's number is hidden

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני רוצה לדבר עם נציג
  5.34        agent   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
 12.00-13.50  caller  דנה כהן בקשר לדירה
 14.34        agent   תודה, רשמתי. לאיזה מספר לחזור?
              lead    message=דנה כהן בקשר לדירה
 18.00-21.00  caller  אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע
 21.84        agent   תודה, רשמתי, ונחזור אליכם בהקדם. אפשר לעזור בעוד משהו?
              lead    message=דנה כהן בקשר לדירה אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע
 28.00        caller  hangs up

# A hidden number stays hidden
> What was left is kept, and nobody is promised a call that cannot be made.
acts F3
caller's number is hidden

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   caller  אני רוצה לדבר עם נציג
  5.34        agent   כרגע אין נציג פנוי. אפשר להשאיר כאן הודעה עם שם ומספר טלפון, ונחזור אליכם.
 12.00-13.50  caller  דנה כהן בקשר לדירה
 14.34        agent   תודה, רשמתי. לאיזה מספר לחזור?
              lead    message=דנה כהן בקשר לדירה
 18.00-19.50  caller  עדיף שתגידו לה שהתקשרתי
 20.34        agent   תודה, רשמתי. אפשר לעזור בעוד משהו?
              lead    message=דנה כהן בקשר לדירה עדיף שתגידו לה שהתקשרתי
 26.00        caller  hangs up

# A hidden number, and the server is replaced
> The office is told why there is no number to call.
acts F4
spares F3
caller's number is hidden

  0.80        agent   שלום! איך אפשר לעזור?
  5.00        server closes down
  5.02        agent   מצטערת, אני חייבת לסיים כאן. אפשר להתקשר שוב בעוד כמה דקות.
              lead    message=השיחה הופסקה מצידנו, והמספר חסוי
  8.70±0.4    agent   hangs up

# A hidden number is offered a call back
> After three unclear turns; the yes is a wish for one, and the number is asked for.
acts E1 F3
caller's number is hidden

  0.80        agent   שלום! איך אפשר לעזור?
  3.00-4.50   mumble
  5.34        agent   אפשר לנסח שוב במשפט קצר?
  8.00-9.50   mumble
 10.34        agent   סליחה, לא הבנתי. אפשר להגיד את זה שוב, בקצרה?
 13.50-15.00  mumble
 15.84        agent   קשה לי לשמוע. תרצו שנציג יחזור אליכם?
 20.00-20.80  caller  כן
 21.52        agent   בשמחה. לאיזה מספר לחזור?
              lead    message=מבקשים שיחזרו אליהם
 26.00        caller  hangs up
