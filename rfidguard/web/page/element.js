// Builds elements. Text from outside only ever becomes a text node; there is no way in here for markup.

/** A new element: `properties` are attributes, `onclick` a listener, `text` its text; then its children, empty ones left out. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name === "onclick") made.addEventListener("click", value);
    else if (name === "onchange") made.addEventListener("change", value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter(Boolean));
  return made;
}

export const byId = (id) => document.getElementById(id);
