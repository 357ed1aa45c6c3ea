// Owns: sending a form with a file while showing how far it is. fetch cannot tell; this can.

import { ProblemError } from "../http.js";

/**
 * @param {string} url
 * @param {FormData} form with the CSRF token in it
 * @param {(share: number) => void} onProgress from 0 to 1
 * @throws {ProblemError}
 */
export function sendForm(url, form, onProgress) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", url);
    sending.responseType = "json";
    sending.setRequestHeader("Accept", "application/json");
    sending.setRequestHeader("X-CSRFToken", form.get("csrfmiddlewaretoken") ?? "");
    sending.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    sending.addEventListener("error", () => reject(new ProblemError({})));
    sending.addEventListener("abort", () => reject(new ProblemError({})));
    sending.addEventListener("load", () => {
      if (sending.status < 400) resolve(sending.response);
      else {
        const problem = sending.response ?? {};
        reject(new ProblemError({
          status: sending.status,
          code: problem.code ?? "unknown_error",
          title: problem.title ?? sending.statusText,
          detail: problem.detail ?? "",
          errors: problem.errors ?? null,
          body: problem,
        }));
      }
    });
    sending.send(form);
  });
}
