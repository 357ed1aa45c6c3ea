// Owns: the look of each screen.
export const SCREEN_CSS = `
.screen { flex: 1 0 auto; display: flex; flex-direction: column; gap: 14px; inline-size: 100%; max-inline-size: 600px; margin-inline: auto; padding: 20px; }
.screen--middle { justify-content: center; align-items: center; text-align: center; }
.screen--middle .foot { inline-size: 100%; max-inline-size: 320px; }
.lead { font: 500 1.25em/1.3 var(--serif); text-wrap: balance; }
.title { font: 600 1.3em/1.25 var(--serif); }
.soft { color: var(--soft); } .fine { color: var(--soft); font-size: .8125em; line-height: 1.45; } .small { font-size: .875em; } .centre { text-align: center; }
.pre { white-space: pre-line; }
.foot { display: flex; flex-direction: column; gap: 8px; margin-block-start: auto; padding-block-start: 6px; }
.foot > .fine { text-align: center; }
.foot--stick { position: sticky; inset-block-end: 0; margin: auto -20px -20px; padding: 12px 20px 16px; background: var(--surface); box-shadow: 0 -10px 14px -6px var(--surface); }
.stack { display: flex; flex-direction: column; gap: 10px; }

.pay { display: flex; flex-direction: column; align-items: center; padding: 18px 16px; border: 1px solid var(--gold-line); border-radius: var(--r2); background: var(--gold-soft); color: var(--gold-ink); text-align: center; }
.pay__label { font-size: .875em; font-weight: 600; }
.pay__amount { font: 600 2.3em/1.15 var(--serif); font-variant-numeric: tabular-nums lining-nums; }
.pay__note { font-size: .875em; text-wrap: balance; }
.pay__play { margin-block-start: 8px; padding: 1px 10px; border: 1px dashed currentColor; border-radius: 99px; font-size: .8125em; }
.pay--wait { border-color: var(--line); background: var(--sunk); color: var(--ink); }
.pay--plain { border-color: var(--line); background: var(--sunk); color: var(--ink); }
.pay .medal { inline-size: 40px; block-size: 40px; margin-block-end: 6px; background: transparent; border: 1.5px solid currentColor; color: inherit; }
.medal { display: grid; place-items: center; inline-size: 56px; block-size: 56px; border-radius: 50%; background: var(--tint); color: var(--ink); }
.medal--bad { background: var(--bad-soft); color: var(--bad); }
.facts { display: flex; flex-wrap: wrap; justify-content: center; gap: 4px 18px; color: var(--soft); font-size: .9375em; }
.facts li { display: flex; align-items: center; gap: 6px; } .facts .icon { inline-size: 17px; block-size: 17px; }
.steps { counter-reset: step; display: flex; flex-direction: column; gap: 10px; }
.steps li { counter-increment: step; display: flex; gap: 12px; align-items: baseline; }
.steps li::before { content: counter(step); flex: none; inline-size: 24px; block-size: 24px; border-radius: 50%; background: var(--sunk); color: var(--soft); font-size: .8125em; font-weight: 600; line-height: 24px; text-align: center; }
.terms { padding: 14px 16px; border-radius: var(--r2); background: var(--sunk); font-size: .9375em; }
.point { display: flex; gap: 12px; font-size: .9375em; } .point .icon { margin-block-start: 2px; color: var(--soft); } .point p { color: var(--soft); }
.check { display: flex; gap: 10px; align-items: flex-start; min-block-size: 24px; font-size: .9375em; cursor: pointer; } .check input { flex: none; inline-size: 20px; block-size: 20px; margin: 0; accent-color: var(--a); }
.say { display: flex; flex-direction: column; gap: 10px; inline-size: 100%; }
.code { padding: 12px; border-radius: var(--r2); background: var(--sunk); font: 400 .8125em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; text-align: start; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; }

.talk { flex: 1; min-block-size: 0; position: relative; display: flex; flex-direction: column; }
.status { flex: none; padding: 10px 18px 8px; } .status__words { display: flex; justify-content: space-between; gap: 12px; margin-block-start: 6px; color: var(--soft); font-size: .8125em; font-variant-numeric: tabular-nums; }
.left--soon { color: var(--ink); font-weight: 600; }
.track { block-size: 6px; border-radius: 99px; background: var(--sunk); border: 1px solid var(--line); overflow: hidden; }
.track__fill { block-size: 100%; inline-size: 0; border-radius: inherit; background: var(--a); }
@media (prefers-reduced-motion: no-preference) { .track__fill { transition: inline-size .4s ease; } }
.banner { flex: none; margin: 0 12px 6px; padding: 8px 12px; border-radius: var(--r2); background: var(--sunk); font-size: .875em; }
.banner[data-kind="error"] { background: var(--bad-soft); color: var(--bad); } .banner[data-kind="connection"] { background: var(--gold-soft); color: var(--gold-ink); }
.scroll { flex: 1 1 auto; min-block-size: 96px; overflow-y: auto; overscroll-behavior: contain; padding: 6px 16px 12px; scrollbar-width: thin; }
.scroll:focus-visible { outline-offset: -3px; }
.turns { display: flex; flex-direction: column; gap: 10px; max-inline-size: 680px; margin-inline: auto; }
.turn { display: flex; flex-direction: column; max-inline-size: 88%; }
.turn__text { padding: 10px 14px; border-radius: min(var(--r), 16px); white-space: pre-wrap; overflow-wrap: anywhere; }
.turn--agent { align-self: flex-start; } .turn--agent .turn__text { background: var(--sunk); border-end-start-radius: 4px; }
.turn--visitor { align-self: flex-end; align-items: flex-end; } .turn--visitor .turn__text { background: light-dark(var(--a), color-mix(in srgb, var(--a) 30%, var(--surface))); color: light-dark(var(--on), var(--ink)); border-end-end-radius: 4px; }
.turn__meta { margin: 2px 4px 0; color: var(--soft); font-size: .8125em; }
.typing { display: inline-flex; gap: 5px; margin-block-start: 10px; padding: 14px; border-radius: min(var(--r), 16px); border-end-start-radius: 4px; background: var(--sunk); }
.typing[hidden] { display: none; }
.typing span, .pulse span { inline-size: 7px; block-size: 7px; border-radius: 50%; background: var(--soft); }
@media (prefers-reduced-motion: no-preference) {
  .typing span, .pulse span { animation: blink 1.2s infinite; } .typing span:nth-child(2), .pulse span:nth-child(2) { animation-delay: .18s; } .typing span:nth-child(3), .pulse span:nth-child(3) { animation-delay: .36s; }
  @keyframes blink { 0%, 70%, 100% { opacity: .3; } 30% { opacity: 1; } }
  .turn { animation: appear .2s ease-out; } @keyframes appear { from { opacity: 0; translate: 0 4px; } }
}
.pulse { display: flex; gap: 9px; padding: 12px; } .pulse span { inline-size: 13px; block-size: 13px; background: var(--a); }
.dock { flex: none; display: flex; flex-direction: column; gap: 8px; inline-size: 100%; max-inline-size: 712px; margin-inline: auto; padding: 10px 12px max(10px, env(safe-area-inset-bottom)); border-block-start: 1px solid var(--line); }
.composer { display: flex; align-items: flex-end; gap: 8px; }
.send { all: unset; box-sizing: border-box; flex: none; display: grid; place-items: center; inline-size: 44px; block-size: 44px; border-radius: var(--r2); background: var(--a); color: var(--on); cursor: pointer; }
.send:hover { background: color-mix(in srgb, var(--a) 88%, var(--on)); } .send:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
.limit:empty { display: none; } .limit { color: var(--bad); font-size: .8125em; }
.tools { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; }
.tools .button { min-block-size: 36px; padding: 6px 10px; font-size: .875em; } .tools .icon { inline-size: 16px; block-size: 16px; }
@media (max-width: 380px) { .tools .icon { display: none; } .tools .button { padding-inline: 9px; } }
.tools .button:last-child { margin-inline-start: auto; }
.quick { display: flex; flex-wrap: wrap; gap: 6px; }
.chip { all: unset; box-sizing: border-box; min-inline-size: 36px; min-block-size: 36px; padding: 6px 12px; border: 1px solid var(--edge); border-radius: 99px; background: var(--surface); font-size: .9375em; line-height: 1.4; text-align: center; cursor: pointer; }
.quick--scale { flex-wrap: nowrap; gap: 4px; } .quick--scale .chip { flex: 1 1 24px; min-inline-size: 24px; padding-inline: 0; border-radius: 8px; }
.chip:hover { background: var(--tint); } .chip:focus-visible { outline: 2px solid var(--ink); outline-offset: 1px; }
.is-paused .turns { opacity: .45; } .is-paused .composer { display: none; }
.paused { flex: none; margin: 0 12px 10px; padding: 16px; border-radius: var(--r2); background: var(--sunk); display: flex; flex-direction: column; align-items: center; gap: 6px; text-align: center; font-size: .9375em; }
.paused__title { font-weight: 600; font-size: 1.1em; } .paused .button { margin-block-start: 6px; }

.message { font: 500 1.12em/1.4 var(--serif); text-align: center; text-wrap: balance; }
.score__words { display: flex; justify-content: space-between; margin-block-end: 6px; font-size: .9375em; font-variant-numeric: tabular-nums; }
.score .track { block-size: 10px; }
.note { display: flex; gap: 10px; padding: 12px 14px; border-radius: var(--r2); background: var(--sunk); font-size: .9375em; } .note .icon { margin-block-start: 1px; }
.quality { display: flex; flex-direction: column; gap: 6px; }
.marks { border: 1px solid var(--line); border-radius: var(--r2); overflow: hidden; } .mark + .mark { border-block-start: 1px solid var(--line); }
.mark__line { display: flex; align-items: baseline; justify-content: space-between; gap: 12px; min-block-size: 44px; padding: 11px 14px; cursor: pointer; list-style: none; font-size: .9375em; }
.mark__line::-webkit-details-marker { display: none; } .mark__line:hover { background: var(--sunk); } .mark__line:focus-visible { outline-offset: -3px; }
.mark__question { flex: 1; min-inline-size: 0; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; } details[open] .mark__question { white-space: normal; }
.mark__word { flex: none; font-weight: 600; font-size: .875em; } .mark__word[data-level="0"], .mark__word[data-level="1"] { color: var(--soft); }
.mark__word::after { content: ""; display: inline-block; inline-size: 6px; block-size: 6px; margin: 0 1px 2px 8px; border: solid currentColor; border-width: 0 1.5px 1.5px 0; rotate: 45deg; }
details[open] .mark__word::after { rotate: 225deg; margin-block-end: -1px; }
.dims { display: grid; gap: 6px; padding: 2px 14px 12px; } .dim { display: flex; justify-content: space-between; align-items: center; gap: 12px; font-size: .875em; color: var(--soft); }
.mark .soft.small { padding: 0 14px 12px; }
.dots { display: inline-flex; gap: 4px; } .dot { inline-size: 18px; block-size: 6px; border-radius: 9px; border: 1px solid var(--edge); } .dot--on { background: var(--a); border-color: var(--a); }
.transaction__line { display: flex; align-items: center; gap: 8px; } .transaction code { flex: 1; min-inline-size: 0; font: 400 .8125em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.transaction .button { min-block-size: 36px; padding: 6px 10px; font-size: .875em; }
.mic { all: unset; box-sizing: border-box; flex: none; display: grid; place-items: center; inline-size: 44px; block-size: 44px; border-radius: var(--r2); border: 1px solid var(--edge); color: var(--ink); cursor: pointer; }
.mic:hover { background: var(--sunk); } .mic:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; } .mic[hidden] { display: none; }
.voice:not(:has(> :not([hidden]))) { display: none; }
.voice__bar { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; } .voice__bar[hidden], .voice__card[hidden] { display: none; }
.voice__bar .button { min-block-size: 36px; padding: 6px 10px; font-size: .875em; } .voice__bar .icon { inline-size: 16px; block-size: 16px; }
.voice__words { flex: 1 1 7em; font-size: .875em; }
.voice__card { display: flex; flex-direction: column; gap: 8px; padding: 12px; border: 1px solid var(--edge); border-radius: var(--r2); background: var(--sunk); font-size: .9em; }
.voice__title { font-weight: 650; }
.voice__device { font: inherit; min-block-size: 40px; max-inline-size: 100%; color: var(--ink); background: var(--paper, Canvas); border: 1px solid var(--edge); border-radius: var(--r2); padding: 6px 8px; }
.voice__note { padding: 8px 12px; border-radius: var(--r2); background: var(--gold-soft); color: var(--gold-ink); font-size: .875em; }
.meter { display: inline-block; inline-size: 56px; block-size: 8px; border-radius: 9px; border: 1px solid var(--edge); overflow: hidden; } .meter--wide { inline-size: 100%; }
.meter__fill { display: block; block-size: 100%; inline-size: 0; background: var(--a); }
.turn.is-interim .turn__text { opacity: .75; }
`;
