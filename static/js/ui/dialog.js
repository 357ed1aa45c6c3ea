/** Open native dialogs by [data-dialog-open="id"], close them by [data-dialog-close] or a click outside. */
export function watchDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-dialog-open]");
    if (opener) document.getElementById(opener.dataset.dialogOpen)?.showModal();
    else if (event.target.closest?.("[data-dialog-close]")) event.target.closest("dialog")?.close();
  });
}
