// Owns: making a session ready, once, whoever presses how often in however many tabs.
import { ProblemError, bearer, request } from "./http.js";

/** Run alone among the tabs of this site, where the browser has locks. */
function alone(name, task) {
  return navigator.locks ? navigator.locks.request(name, task) : task();
}

/**
 * Start a session, or go on with the open one, and keep what it takes to come back.
 * @param {{takesWallet?: boolean}} options - false: the pay does not go where this browser's earlier pay went
 * @throws {ProblemError}
 */
export function startSession(panel, { takesWallet = true } = {}) {
  const { shell } = panel;
  const { store, visit, visitor, identity } = shell; // of who pressed
  return alone(`parley-start-${shell.surveyId}`, async () => {
    // Read inside the lock: another tab may have started meanwhile.
    const kept = store.read();
    const open = shell.standing() === "open" ? kept.session : null;
    const known = shell.device.read();
    const answer = await request(`${shell.base}/survey/${shell.surveyId}/session/start`, {
      method: "POST",
      body: {
        publishable_key: shell.key,
        consent: true,
        language: shell.language(),
        ...identity,
        ...(shell.account && { account_token: shell.account }),
        ...(known.device_key && { device_key: known.device_key }),
        ...(known.receipt_token && !open && takesWallet && { receipt_token: known.receipt_token }),
        ...(open && { session_token: open.session_token }),
      },
    });
    const session = {
      session_id: answer.session_id,
      session_token: answer.session_token,
      receipt_token: answer.receipt_token ?? open?.receipt_token ?? null,
      ws_url: answer.ws_url,
      begun_at: open?.begun_at ?? new Date().toISOString(),
      expires_at: answer.expires_at,
      questions: answer.questions,
      transports: answer.transports,
      language: answer.language,
    };
    store.write({ session, isDone: false, result: null, ...(answer.resumed ? {} : { draft: "", pending: [] }) });
    visit.write({ isMine: true });
    shell.device.write({
      ...(answer.device_key && { device_key: answer.device_key }),
      // Of a known person's answer it would open their wallet to whoever uses this browser next.
      ...(session.receipt_token && !visitor && { receipt_token: session.receipt_token }),
    });
    if (!answer.resumed) shell.emit("started", { session_id: session.session_id });
    return session;
  });
}

/** Ask what became of an answer. */
export function readResult(panel, store) {
  const { session } = store.read();
  if (!session) throw new ProblemError({ status: 404, code: "session_not_found" });
  const token = session.receipt_token ?? session.session_token;
  return request(`${panel.shell.base}/session/${session.session_id}/result`, { headers: bearer(token) });
}
