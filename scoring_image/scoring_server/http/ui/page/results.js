// What the page shows: answers, bars and errors as elements. Texts are set as texts, never as HTML.

/** An element with a class, a text or children. */
export function element(name, className = "", content = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...(Array.isArray(content) ? content : [content]));
  return made;
}

/** A probability for people: 0.9987 is 99.9 %, and only 1 is 100 %. */
export function percent(probability) {
  const hundredths = probability * 100;
  if (hundredths > 0 && hundredths < 0.1) return "< 0.1 %";
  if (hundredths > 99.9 && hundredths < 100) return "> 99.9 %";
  return `${hundredths.toFixed(hundredths === 100 ? 0 : 1)} %`;
}

/** A title with its share and its bar, and what is known beside: open, or behind a click. */
function answer(heading, title, probability, more, open = true) {
  const bar = element("div", "bar", element("i"));
  bar.setAttribute("aria-hidden", "true"); // the number beside it says the same
  bar.firstChild.style.width = `${(probability * 100).toFixed(2)}%`;
  const head = element("div", "head", [
    element(heading, "", title),
    element("span", "share", percent(probability)),
  ]);
  if (open || !more.length) return element("li", "answer", [head, bar, ...more]);
  return element("li", "answer", element("details", "", [element("summary", "", [head, bar]), ...more]));
}

function link(address) {
  const made = element("a", "", address);
  made.href = address;
  made.rel = "noopener noreferrer";
  made.target = "_blank";
  return element("p", "link", made);
}

/** Whether an address of the data may become a link: nothing that runs, such as javascript:. */
function leads(address) {
  return URL.canParse(address) && ["http:", "https:"].includes(new URL(address).protocol);
}

/** The ranking of a question as a list. */
export function ranking(rows, details) {
  const items = rows.map(([original, answerId, probability], place) => {
    const { question, answer: text, url } = details.matches[place];
    const more = [];
    if (text) more.push(element("p", "text", text));
    if (url) more.push(leads(url) ? link(url) : element("p", "link", url));
    more.push(element("p", "ids", `question ${original}, answer ${answerId}`));
    return answer("h2", question, probability, more, place === 0);
  });
  const list = element("ol", details.none ? "unsure" : "", items);
  if (!details.none) return [list];
  const verdict = element("p", "notice", [
    element("strong", "", "Probably none of these. "),
    `The chance that no known question is meant is ${percent(details.noneProbability)}. These come closest.`,
  ]);
  return [verdict, list];
}

/** ImageNet's labels begin with an identifier of their own: "n02123045 tabby, tabby cat". */
function named(label) {
  const [, identifier, name] = /^(n\d{8}) (.+)$/.exec(label) ?? [null, "", label];
  return { identifier, name };
}

/** The name of a label, without its identifier. */
export function nameOf(label) {
  return named(label).name;
}

/** The labels of a photograph as a list. */
export function labels(rows) {
  const items = rows.map(([label, probability]) => {
    const { identifier, name } = named(label);
    return answer("h3", name, probability, identifier ? [element("p", "ids", identifier)] : []);
  });
  return element("ol", "", items);
}

/** A photograph with a place for what is found in it. */
export function photograph(file) {
  const image = element("img");
  image.alt = "";
  image.src = URL.createObjectURL(file);
  const found = element("div", "found", element("p", "hint", "Looking …"));
  const caption = element("figcaption", "", element("h2", "", file.name));
  const card = element("section", "photo", [element("figure", "", [image, caption]), found]);
  card.setAttribute("aria-label", file.name);
  image.addEventListener("error", () => image.remove());
  return { card, found, forget: () => URL.revokeObjectURL(image.src) };
}

/** An error in words, with what a person can do about it. */
export function problem(error, retry) {
  const words = element("div", "", error.message);
  if (error.requestId) words.append(element("small", "", `Request ${error.requestId}`));
  const shown = element("div", "error", words);
  if (retry) {
    const button = element("button", "quiet", "Try again");
    button.type = "button";
    button.addEventListener("click", retry);
    shown.append(button);
  }
  return shown;
}
