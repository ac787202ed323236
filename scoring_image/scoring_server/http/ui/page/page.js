// What a person does on the page, and what comes of it.

import { element, labels, nameOf, percent, photograph, problem, ranking } from "./results.js";
import { Failure, score, version } from "./service.js";

const TOP = 5;
const LOOK_AGAIN_MILLISECONDS = 2000;
// As many photographs are under way at once; more would only wait in the service.
const AT_ONCE = 2;
const MOST_BYTES = Number(document.documentElement.dataset.mostBytes);
const IMAGE_TYPES = ["image/jpeg", "image/png", "image/webp"];

const [title, model, server, status, alerts, results, keyForm, key, questionForm, question, photoForm, photos, drop, program, command] =
  ["title", "model", "server", "status", "alert", "results", "key-form", "key", "question-form", "question", "photo-form", "photos", "drop", "program", "command"]
    .map((id) => document.getElementById(id));

let current = new AbortController(); // of the newest request
let shown = []; // photographs on the page
let again = null; // what the key was missing for

async function start() {
  try {
    const about = await version();
    if (about.model) return open(about);
    status.textContent = "The model is loading …";
  } catch (error) {
    status.textContent = error.message;
  }
  setTimeout(start, LOOK_AGAIN_MILLISECONDS);
}

function open({ model: served, backend, version: number }) {
  const faq = served.type === "faq-matching";
  title.textContent = faq ? "Ask a question" : "What is in the photograph?";
  document.title = `${title.textContent} – ${served.name}`;
  model.textContent = `${faq ? "FAQ matching" : "Image classification"} with the model ${served.name}`;
  if (served.weights === "random") model.textContent += ", whose weights are random: its answers mean nothing";
  server.textContent = `Scoring server ${number}, ${backend.name} ${backend.precision} on ${backend.device.toUpperCase()}`;
  status.textContent = "";
  (faq ? questionForm : photoForm).hidden = false;
  program.hidden = false;
  explain(faq ? { input: "…", top: TOP, details: true } : null);
  if (document.documentElement.dataset.keys === "needed") keyForm.hidden = false;
  (keyForm.hidden ? (faq ? question : photos) : key).focus();
}

function clear() {
  current.abort();
  current = new AbortController();
  again = null;
  alerts.replaceChildren();
  results.replaceChildren();
  shown.forEach((photo) => photo.forget());
  shown = [];
  return current.signal;
}

async function ask() {
  const text = question.value.trim();
  const signal = clear();
  if (!text) {
    status.textContent = "Type a question first.";
    question.focus();
    return;
  }
  const request = { input: text, top: TOP, details: true };
  explain(request);
  status.textContent = "Asking …";
  try {
    const done = await score(JSON.stringify(request), { type: "application/json", key: key.value.trim(), signal });
    results.replaceChildren(...ranking(done.found, done.details));
    const [best] = done.details.matches;
    tell(done.details.none ? "Probably none of the known questions." : `Best: ${best.question} ${percent(done.found[0][2])}.`, times(done));
  } catch (error) {
    fail(error, signal, ask);
  }
}

async function look(files) {
  if (!files.length) return;
  const signal = clear();
  explain(null);
  shown = files.map(photograph);
  results.replaceChildren(...shown.map(({ card }) => card));
  status.textContent = "Looking …";
  const waiting = files.map((file, place) => [file, shown[place]]);
  const said = [];
  const work = async () => {
    while (waiting.length && !signal.aborted) said.push(await lookAt(...waiting.shift(), signal, () => look(files)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (signal.aborted) return;
  if (files.length === 1) tell(said[0]);
  else tell("", `${said.filter(Boolean).length} of ${files.length} photographs recognised.`);
}

/** Classify one photograph; what to tell about it, empty if it failed. */
async function lookAt(file, { found }, signal, all) {
  try {
    if (!IMAGE_TYPES.includes(file.type)) throw new Failure(`${file.name} is not a JPEG, PNG or WebP file.`, { status: 415 });
    if (file.size > MOST_BYTES) throw new Failure(`${file.name} has ${megabytes(file.size)}; this service takes ${megabytes(MOST_BYTES)} at most.`, { status: 413 });
    const done = await score(file, { type: file.type, key: key.value.trim(), signal });
    const [rows] = Object.values(done.found);
    found.replaceChildren(labels(rows), element("p", "hint", times(done)));
    return `Best: ${nameOf(rows[0][0])} ${percent(rows[0][1])}.`;
  } catch (error) {
    if (signal.aborted) return "";
    if (error.status === 401) {
      fail(error, signal, all);
    } else {
      found.replaceChildren(problem(error, error.passes ? all : null));
    }
    return "";
  }
}

function fail(error, signal, retry) {
  if (signal.aborted) return;
  status.textContent = "";
  results.replaceChildren();
  const words = error instanceof Failure ? error : new Failure("The answer is not one that this page understands.");
  alerts.replaceChildren(problem(words, words.passes ? retry : null));
  if (words.status !== 401) return;
  again = retry;
  keyForm.hidden = false;
  key.select();
  key.focus();
  current.abort(); // what else was under way has no key either
}

/** What is seen below anyway is said to screen readers alone; the rest to everyone. */
function tell(unseen, seen = "") {
  status.replaceChildren(element("span", "unseen", unseen && `${unseen} `), seen);
}

function times({ computed, milliseconds }) {
  return `${computed}, answered in ${Math.round(milliseconds)} ms`;
}

function megabytes(bytes) {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function explain(request) {
  const address = new URL("score", document.baseURI);
  const lines = [`curl -s ${quoted(address.href)}`];
  if (!keyForm.hidden || key.value) lines.push('-H "X-API-Key: $API_KEY"');
  if (request) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(request))}`);
  else lines.push("-H 'Content-Type: image/jpeg'", "--data-binary @photo.jpg");
  command.textContent = lines.join(" \\\n  ");
}

/** A word of a shell. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

questionForm.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const retry = again ?? (questionForm.hidden ? null : ask);
  if (retry && (again || question.value.trim())) retry();
  else (questionForm.hidden ? photos : question).focus();
});
photoForm.addEventListener("submit", (event) => event.preventDefault());
photos.addEventListener("change", () => {
  look([...photos.files]);
  photos.value = ""; // the same file may be chosen again
});

const takesFiles = (event) => !photoForm.hidden && [...(event.dataTransfer?.types ?? [])].includes("Files");
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  // Anywhere on the page: a photograph that misses the box would else replace the page.
  document.addEventListener(kind, (event) => {
    if (!takesFiles(event)) return;
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") look([...event.dataTransfer.files]);
  });
}
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (photoForm.hidden || !files.length) return;
  event.preventDefault();
  look(files);
});

start();
