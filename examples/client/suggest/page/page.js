// A combobox of known questions: https://www.w3.org/WAI/ARIA/apg/patterns/combobox/

const PAUSE_MILLISECONDS = 120; // between two letters most people take longer

const [input, list, status, answer] = ["question", "suggestions", "status", "answer"].map((id) => document.getElementById(id));
let timer;
let asked = new AbortController();
let known = [];
let chosen = -1;

async function suggest() {
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  try {
    const response = await fetch("suggestions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text: input.value }),
      signal,
    });
    const said = await response.json();
    if (!response.ok) throw new Error(said.error);
    show(said.suggestions);
  } catch (error) {
    if (signal.aborted) return; // a later letter asked again
    show([]);
    status.textContent = "No suggestions at the moment.";
  }
}

function show(suggestions) {
  known = suggestions;
  const items = known.map(({ question }, place) => {
    const item = document.createElement("li");
    item.id = `suggestion-${place}`;
    item.role = "option";
    item.textContent = question;
    item.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the field keeps the focus
      take(place);
    });
    return item;
  });
  list.replaceChildren(...items);
  list.hidden = !known.length;
  input.ariaExpanded = String(!list.hidden);
  choose(-1);
  status.textContent = known.length ? `${known.length} known ${known.length === 1 ? "question" : "questions"}.` : "";
}

function choose(place) {
  chosen = place;
  [...list.children].forEach((item, other) => {
    item.ariaSelected = String(other === place);
  });
  if (place < 0) input.removeAttribute("aria-activedescendant");
  else input.setAttribute("aria-activedescendant", `suggestion-${place}`);
}

function take(place) {
  const { question, answer: text, url } = known[place];
  asked.abort();
  clearTimeout(timer);
  show([]);
  input.value = question;
  const [heading, words, link] = answer.children;
  heading.textContent = question;
  words.textContent = text ?? "";
  link.hidden = !/^https?:/.test(url ?? "");
  if (!link.hidden) link.href = link.textContent = url;
  answer.hidden = false;
  status.textContent = `Answer: ${text ?? url ?? "none here"}`;
}

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(suggest, PAUSE_MILLISECONDS);
});
input.addEventListener("keydown", (event) => {
  if (list.hidden) return;
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps) {
    event.preventDefault();
    const places = known.length + 1; // the last one is the field itself
    choose(((chosen + 1 + steps[event.key] + places) % places) - 1);
  } else if (event.key === "Enter" && chosen >= 0) {
    event.preventDefault();
    take(chosen);
  } else if (event.key === "Escape") {
    show([]);
  }
});
input.addEventListener("blur", () => show([]));
