// Owns: the look of the panel's frame and of what every screen is made of. Adopted by the shadow
// root as a sheet, so a page's style policy has nothing to forbid.
export const FRAME_CSS = `
:host {
  --surface: var(--parley-surface, light-dark(#ffffff, #181d1a));
  --sunk: var(--parley-surface-sunk, light-dark(#f5f3ed, #212724));
  --ink: var(--parley-text, light-dark(#1b211f, #edf0ea));
  --soft: var(--parley-text-soft, light-dark(#4f5752, #b4bdb6));
  --line: light-dark(#e1ddd2, #333c37);
  --edge: light-dark(#85817a, #7b857f);
  --gold-soft: light-dark(#fdf1d6, #33290f);
  --gold-ink: light-dark(#6b4700, #f6cf85);
  --gold-line: light-dark(#efd9a3, #574516);
  --bad: light-dark(#ad2a20, #ff9f94);
  --bad-on: light-dark(#ffffff, #3a0d08);
  --bad-soft: light-dark(#fbe8e5, #3c1b17);
  --tint: color-mix(in srgb, var(--a) 12%, var(--surface));
  --r: var(--parley-radius, 18px);
  --r2: min(var(--r), 12px);
  --serif: var(--parley-font, ui-serif, "Iowan Old Style", "Palatino Linotype", Palatino, "Noto Serif", Georgia, serif);
}
*, *::before, *::after { box-sizing: border-box; }
h1, h2, h3, h4, p, ul, ol, dl, dd, pre { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1, h2, h3, h4 { font-size: 1em; font-weight: 600; text-wrap: balance; }
.icon { flex: none; inline-size: 20px; block-size: 20px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.sr-only { position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
[tabindex="-1"]:focus-visible { outline: none; }

.panel {
  position: fixed; inset-block-end: max(16px, env(safe-area-inset-bottom)); inset-inline-end: 16px; z-index: var(--parley-z-index, 2147483000);
  display: flex; flex-direction: column; overflow: hidden; overscroll-behavior: contain;
  inline-size: min(408px, calc(100vw - 32px)); block-size: min(690px, calc(100dvh - 32px));
  border: 1px solid var(--line); border-radius: var(--parley-panel-radius, var(--r)); background: var(--surface); color: var(--ink);
  font-weight: 400; line-height: 1.5; text-align: start; overflow-wrap: break-word;
  box-shadow: 0 24px 60px -16px light-dark(rgb(30 34 28 / 34%), rgb(0 0 0 / 80%)), 0 4px 14px light-dark(rgb(30 34 28 / 10%), rgb(0 0 0 / 40%));
}
:host([data-position="left"]) .panel { inset-inline: 16px auto; }
.panel--inline { position: relative; inset: auto !important; z-index: auto; inline-size: 100%; block-size: auto; flex: 1 1 0; min-block-size: 420px; box-shadow: none; }
@media (max-width: 480px), (max-height: 480px) {
  .panel:not(.panel--inline) { inset: 0 !important; inline-size: 100vw; block-size: 100dvh; border: 0; border-radius: 0; }
}
@media (prefers-reduced-motion: no-preference) {
  .panel:not(.panel--inline) { animation: rise .26s cubic-bezier(.2, .8, .3, 1); }
  @keyframes rise { from { opacity: 0; translate: 0 14px; } }
}

.head { flex: none; display: flex; align-items: center; gap: 12px; padding: 14px 12px 14px 18px; border-block-end: 1px solid var(--line); }
.swatch { flex: none; display: grid; place-items: center; inline-size: 38px; block-size: 38px; border-radius: var(--r2); background: var(--a); color: var(--on); }
.head__words { flex: 1; min-inline-size: 0; line-height: 1.3; }
.head__who { color: var(--soft); font-size: .8125em; }
.head__title { font-weight: 600; overflow: hidden; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; }
.tool { all: unset; box-sizing: border-box; flex: none; display: grid; place-items: center; inline-size: 40px; block-size: 40px; border-radius: 50%; color: var(--soft); cursor: pointer; }
.tool:hover { background: var(--sunk); color: var(--ink); }
.tool:focus-visible { outline: 2px solid var(--ink); outline-offset: -2px; }
.body { flex: 1; min-block-size: 0; display: flex; flex-direction: column; overflow-y: auto; overscroll-behavior: contain; scrollbar-width: thin; }

.button {
  all: unset; box-sizing: border-box; display: inline-flex; align-items: center; justify-content: center; gap: 8px; min-block-size: 44px; padding: 9px 18px;
  border: 1px solid transparent; border-radius: var(--r2); font-weight: 600; line-height: 1.25; text-align: center; cursor: pointer; -webkit-tap-highlight-color: transparent;
}
.button:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
.button--primary { background: var(--a); color: var(--on); }
.button--primary:hover { background: color-mix(in srgb, var(--a) 88%, var(--on)); }
.button--secondary { border-color: var(--edge); background: var(--surface); color: var(--ink); }
.button--secondary:hover, .button--quiet:hover { background: var(--sunk); }
.button--quiet { color: var(--soft); font-weight: 500; }
.button--danger { border-color: var(--bad); color: var(--bad); background: var(--surface); }
.button--danger:hover { background: var(--bad-soft); }
.button[disabled] { opacity: .5; cursor: default; }
.button.is-busy { cursor: progress; }
.button.is-busy::after { content: ""; inline-size: 14px; block-size: 14px; border: 2px solid currentColor; border-inline-end-color: transparent; border-radius: 50%; }
@media (prefers-reduced-motion: no-preference) { .button.is-busy::after { animation: spin .8s linear infinite; } @keyframes spin { to { rotate: 1turn; } } }

.field {
  all: unset; box-sizing: border-box; display: block; inline-size: 100%; min-block-size: 44px; padding: 10px 14px; overflow-y: auto; white-space: pre-wrap; overflow-wrap: break-word;
  border: 1px solid var(--edge); border-radius: var(--r2); background: var(--surface); color: var(--ink); line-height: 1.45; text-align: start; cursor: text;
}
.field::placeholder { color: var(--soft); opacity: 1; }
.field:focus { border-color: var(--ink); outline: 1px solid var(--ink); }
.field--tall { min-block-size: 120px; }
.label { font-weight: 600; }

.sheet { position: absolute; inset: 0; z-index: 2; display: flex; align-items: flex-end; padding: 12px; background: light-dark(rgb(27 33 31 / 42%), rgb(0 0 0 / 62%)); }
.sheet__card { inline-size: 100%; max-block-size: 100%; overflow-y: auto; padding: 20px; border-radius: var(--r2); background: var(--surface); display: flex; flex-direction: column; gap: 8px; }
.sheet__card .actions { margin-block-start: 10px; }
.panel--inline .sheet { align-items: center; justify-content: center; }
.panel--inline .sheet__card { max-inline-size: 420px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; }
.actions > .button { flex: 1 1 auto; }
`;
