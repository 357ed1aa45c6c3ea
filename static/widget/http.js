// Owns: calls to Parley from any page. JSON both ways, no cookie ever, and errors as objects.

/** What the server refused (application/problem+json), or status 0: it could not be reached. */
export class ProblemError extends Error {
  constructor({ status = 0, code = "network_error", title = "", detail = "", retryAfterSeconds = null } = {}) {
    super(detail || title || code);
    this.name = "ProblemError";
    Object.assign(this, { status, code, title, detail, retryAfterSeconds });
  }
}

/**
 * @param {string} url
 * @param {{method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal}} options
 * @returns {Promise<any>} the parsed answer, null without one
 * @throws {ProblemError}
 */
export async function request(url, options = {}) {
  return (await exchange(url, options)).answer;
}

/** Like request, with the status and the wait the server asks for. */
export async function exchange(url, { method = "GET", body, headers = {}, signal } = {}) {
  const sent = { Accept: "application/json", ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, {
      method, headers: sent, signal, credentials: "omit", cache: "no-store", referrerPolicy: "strict-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ProblemError();
  }
  const text = await response.text();
  let answer = null;
  if (/[/+]json\b/.test(response.headers.get("content-type") ?? "")) {
    try {
      answer = JSON.parse(text);
    } catch {
      throw new ProblemError({ status: response.ok ? 0 : response.status });
    }
  }
  const retryAfterSeconds = Number(response.headers.get("retry-after")) || null;
  if (response.ok) return { status: response.status, answer, retryAfterSeconds };
  throw new ProblemError({ ...answer, status: response.status, code: answer?.code ?? "unknown_error", retryAfterSeconds });
}

/** Header of a session token or a receipt. */
export const bearer = (token) => ({ Authorization: `Bearer ${token}` });
