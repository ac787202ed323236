// Talks to the service. Addresses are relative to the page's, so a path in front of it is no matter.

const PATIENCE_MILLISECONDS = 60_000;
const UNREACHABLE = "The service cannot be reached. Look at your connection, then try again.";

/** A request without an answer, in words for a person. */
export class Failure extends Error {
  constructor(message, { status = 0, requestId = "" } = {}) {
    super(message);
    this.status = status;
    this.requestId = requestId;
  }

  /** Whether the same request may be answered later. */
  get passes() {
    return [0, 429, 502, 503, 504].includes(this.status);
  }
}

/** What the service says about itself; its model is null while it is loading. */
export async function version() {
  const response = await send("version", {});
  if (!response.ok) throw await failure(response);
  return response.json();
}

/** POST /score: the result, and how long it took, in milliseconds. */
export async function score(body, { type, key, signal }) {
  const headers = { "Content-Type": type };
  if (!/^[\x21-\x7e]*$/.test(key)) throw new Failure(inWords(401), { status: 401 }); // no header can carry it
  if (key) headers["X-API-Key"] = key;
  const started = performance.now();
  const response = await send("score", { method: "POST", headers, body, signal });
  if (!response.ok) throw await failure(response);
  const { result: [found, computed, details] } = await response.json();
  return { found, details, computed, milliseconds: performance.now() - started };
}

async function send(address, options) {
  const patience = AbortSignal.timeout(PATIENCE_MILLISECONDS);
  const signal = options.signal ? AbortSignal.any([options.signal, patience]) : patience;
  try {
    return await fetch(address, { ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error; // a newer request took its place
    throw new Failure(patience.aborted ? "The service took too long to answer." : UNREACHABLE);
  }
}

async function failure(response) {
  const { status } = response;
  const requestId = response.headers.get("X-Request-Id") ?? "";
  let said = "";
  try {
    said = (await response.json()).error.message;
  } catch {
    // A proxy in front of the service answers in a language of its own.
  }
  return new Failure(inWords(status, said, response.headers.get("Retry-After")), { status, requestId });
}

function inWords(status, said, wait) {
  const seconds = /^\d+$/.test(wait ?? "") ? Math.max(1, Number(wait)) : 0;
  const later = seconds ? ` in ${seconds} ${seconds === 1 ? "second" : "seconds"}` : " in a moment";
  switch (status) {
    case 401:
      return "An API key is needed, and this is none that the service knows.";
    case 413:
      return `That is too large: ${said || "send something smaller"}.`;
    case 422:
      return `This photograph cannot be read: ${said}.`;
    case 429:
    case 503:
      return `The service is busy or starting. Try again${later}.`;
    case 502:
    case 504:
      return `The service does not answer its proxy. Try again${later}.`;
    default:
      return said ? `${said[0].toUpperCase()}${said.slice(1)}.` : `The service answered with status ${status}.`;
  }
}
