// Owns: talking to our own API. fetch with the CSRF token, JSON both ways, and errors as objects.

/** What the server said was wrong (application/problem+json), or that it could not be reached. */
export class ProblemError extends Error {
  constructor({ status = 0, code = "network_error", title = "", detail = "", errors = null, requestId = "", retryAfterSeconds = null, body = null }) {
    super(detail || title || "The server could not be reached. Check the connection and try again.");
    this.name = "ProblemError";
    Object.assign(this, { status, code, title, detail, errors, requestId, retryAfterSeconds, body });
  }
}

function readCsrfToken() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (field) return field.value;
  const cookie = document.cookie.split("; ").find((pair) => pair.startsWith("csrftoken="));
  return cookie ? decodeURIComponent(cookie.slice("csrftoken=".length)) : "";
}

async function readBody(response) {
  if (!/[/+]json\b/.test(response.headers.get("content-type") ?? "")) return null;
  try {
    return await response.json();
  } catch {
    return null; // cut short or empty: the status still says what happened
  }
}

/**
 * Send a request and return the parsed JSON answer, or null when there is none.
 * @param {string} url same-origin address; the CSRF token goes nowhere else
 * @param {{method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal, keepalive?: boolean}} options
 *   body: FormData as it is, anything else as JSON; keepalive: outlives the page, 64 KiB at most
 * @throws {ProblemError} for every status of 400 and above, and when the network fails
 */
export async function request(url, { method = "GET", body, headers = {}, signal, keepalive = false } = {}) {
  const sent = new Headers({ Accept: "application/json", ...headers });
  const sameOrigin = new URL(url, location.href).origin === location.origin;
  if (sameOrigin && !/^(GET|HEAD|OPTIONS)$/.test(method)) sent.set("X-CSRFToken", readCsrfToken());
  let payload = body;
  if (body !== undefined && !(body instanceof FormData)) {
    sent.set("Content-Type", "application/json");
    payload = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(url, { method, body: payload, headers: sent, signal, keepalive, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ProblemError({});
  }
  const answer = await readBody(response);
  if (response.ok) return answer;
  const problem = answer ?? {};
  throw new ProblemError({
    status: response.status,
    code: problem.code ?? "unknown_error",
    title: problem.title ?? response.statusText,
    detail: problem.detail ?? "",
    errors: problem.errors ?? null,
    requestId: problem.request_id ?? response.headers.get("x-request-id") ?? "",
    retryAfterSeconds: Number(response.headers.get("retry-after")) || null,
    body: problem,
  });
}
