// The sign-in form is plain HTML; this only fills in its texts.

import { known, text } from "./texts.js";

const put = (id, key) => { document.getElementById(id).textContent = text(key); };

put("title", "sign_in.title");
put("token-label", "sign_in.label");
put("hint", "sign_in.hint");
put("enter", "sign_in.enter");

const refused = new URLSearchParams(location.search).get("refused");
if (refused) {
  const note = document.getElementById("refused");
  note.textContent = text(known(`sign_in.${refused}`) ? `sign_in.${refused}` : "sign_in.other");
  note.hidden = false;
}
document.getElementById("token").focus();
