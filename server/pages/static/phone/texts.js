// What the page says, in the language it is in.

const TEXTS = {
  call: ["להתקשר", "Call"],
  hangUp: ["לנתק", "Hang up"],
  mute: ["השתקה", "Mute"],
  muted: ["לבטל השתקה", "Unmute"],
  asking: ["הדפדפן מבקש רשות למיקרופון.", "The browser asks for the microphone."],
  calling: ["מתקשר…", "Calling…"],
  connecting: ["מתחבר", "Connecting"],
  talking: ["בשיחה. אפשר לדבר, להפריע ולהקיש.", "In the call. Speak, interrupt, press keys."],
  LISTENING: ["מקשיב", "Listening"],
  THINKING: ["חושב", "Thinking"],
  SPEAKING: ["מדבר", "Speaking"],
  recorded: ["♪ הקלטה: {0}", "♪ Recording: {0}"],
  // how a call ends
  youHungUp: ["ניתקת. אפשר להתקשר שוב.", "You hung up. You can call again."],
  agentHungUp: ["הסוכן סיים את השיחה.", "The agent has ended the call."],
  dialled: ["הסוכן מעביר עכשיו לאדם: {0}. מהדפדפן אין חיוג, אז השיחה נגמרת כאן.", "The agent now transfers to a person: {0}. A browser dials nobody, so the call ends here."],
  busy: ["השרת תפוס ולא קיבל את השיחה. שווה לנסות עוד רגע.", "The server is busy and has not taken the call. Try again in a moment."],
  busyDialled: ["השרת תפוס, והשיחה הייתה עוברת אל {0}.", "The server is busy; the call would go to {0}."],
  rejected: ["צליל תפוס: יותר מדי שיחות ממספרים חסויים, והדפדפן נספר עמם (HIDDEN_CALLS_PER_MIN). עוד דקה אפשר שוב.", "Busy tone: too many calls of hidden numbers, and a browser is one (HIDDEN_CALLS_PER_MIN). Try again in a minute."],
  failed: ["תקלה אצלנו: הסוכן התנצל והשיחה נותקה. הסיבה ביומן השרת.", "We have failed: the agent apologised, and the call is over. The server's log says why."],
  resumed: ["הקו נפל, והשיחה נמשכת בקו חדש.", "The line was lost; the call goes on at a new one."],
  // what goes wrong
  lost: ["הקו נפל: אין קשר לשרת. אם הרשת תקינה, ייתכן שהשרת נעצר.", "The line was lost: the server cannot be reached. If the network is fine, the server may have stopped."],
  noServer: ["השרת לא עונה.", "The server does not answer."],
  loggedOut: ["הכניסה פגה. יש לרענן את הדף ולהיכנס שוב.", "Your login is over. Reload the page and log in again."],
  refused: ["השרת לא פתח את הקו. יש לרענן את הדף ולנסות שוב; אם יש proxy לפניו, הוא צריך להעביר WebSocket.", "The server has not opened the line. Reload the page and try again; a proxy before it has to pass WebSockets on."],
  NotAllowedError: ["הדפדפן חוסם את המיקרופון. לחיצה על הסמל שליד הכתובת, הרשאה למיקרופון, ואז להתקשר שוב.", "The browser blocks the microphone. Press the sign beside the address, allow the microphone, and call again."],
  NotFoundError: ["לא נמצא מיקרופון במכשיר הזה.", "This device has no microphone."],
  NotReadableError: ["המיקרופון תפוס בתוכנה אחרת.", "Another program holds the microphone."],
  SecurityError: ["דפדפן נותן מיקרופון רק לדף ב-https, או ב-localhost.", "A browser gives the microphone only to a page on https, or on localhost."],
  noSound: ["הדפדפן לא פתח את השמע: {0}", "The browser has not opened the sound: {0}"],
};

const column = document.documentElement.lang === "en" ? 1 : 0;

export function say(name, ...values) {
  return TEXTS[name][column].replace(/\{(\d)\}/g, (_, at) => values[at]);
}

export const hebrew = column === 0;

export const has = (name) => name in TEXTS;
