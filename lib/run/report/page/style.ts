/** The page's style: quiet, in the reader's own fonts and colours, from a phone's width on. */

/** The policy of the page allows no style attributes: bars get their widths from classes. */
const WIDTHS = Array.from({ length: 101 }, (_, percent) => `.w${percent}{width:${percent}%}`).join('');

export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f7f5f1;
  --card: #fffefb;
  --mat: #efece5;
  --ink: #24211c;
  --quiet: #6b655b;
  --line: #e3ded4;
  --bar: #4a7c69;
  --accent: #2f6350;
  --fault: #9c3d2a;
  --serif: ui-serif, 'Iowan Old Style', 'Palatino Linotype', Palatino, Georgia, 'Noto Serif', serif;
  --sans: ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Helvetica Neue', sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171613;
    --card: #201e1b;
    --mat: #191815;
    --ink: #e9e5dc;
    --quiet: #a49c8f;
    --line: #35322c;
    --bar: #6f9f8c;
    --accent: #93c4b0;
    --fault: #e29a86;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto;
  padding: clamp(1rem, 4vw, 3rem) clamp(1rem, 4vw, 3rem) 4rem;
  max-width: 100rem;
  background: var(--paper);
  color: var(--ink);
  font: 0.9375rem/1.5 var(--sans);
}
h1, h2, h3, h4, p, ul, ol, dl, dd, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { font: 400 clamp(1.75rem, 6vw, 2.25rem)/1.2 var(--serif); letter-spacing: -0.01em; }
h2 { font: 400 1.375rem/1.3 var(--serif); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
h2:focus { outline: none; }

.figures { display: flex; flex-wrap: wrap; gap: 0.75rem 2.5rem; margin-top: 1.25rem; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dt, figcaption, .scale, .note, #count { color: var(--quiet); font-size: 0.8125rem; }
.figures dd { font: 400 1.375rem/1.3 var(--serif); font-variant-numeric: tabular-nums; }

.overview { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 2rem 3rem; margin-top: 2.5rem; }
.overview h2 { margin-bottom: 0.75rem; }
.histogram { display: block; width: 100%; height: 7rem; border-bottom: 1px solid var(--line); }
.histogram rect { fill: var(--bar); }
.scale { display: flex; justify-content: space-between; margin-top: 0.25rem; font-variant-numeric: tabular-nums; }
figcaption { margin-top: 0.5rem; }

.causes > li { padding: 0.75rem 0; border-top: 1px solid var(--line); }
.causes h3 { display: flex; gap: 1rem; justify-content: space-between; font-size: 0.9375rem; font-weight: 600; }
.causes h3 span:first-child { color: var(--fault); overflow-wrap: anywhere; }
.causes summary { color: var(--quiet); font-size: 0.8125rem; }
.causes details li { margin-top: 0.375rem; font-size: 0.8125rem; color: var(--quiet); overflow-wrap: anywhere; }
summary { cursor: pointer; width: fit-content; }

.bar-of-controls, #pager { display: flex; flex-wrap: wrap; gap: 0.75rem 1.25rem; align-items: center; }
#pictures { margin-top: 3rem; scroll-margin-top: 1rem; }
form { margin-top: 1rem; }
label { display: flex; align-items: center; gap: 0.5rem; color: var(--quiet); font-size: 0.8125rem; }
.search { flex: 1 1 16rem; max-width: 30rem; }
input, select, button {
  font: inherit;
  color: var(--ink);
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 0.375rem;
  padding: 0.4375rem 0.75rem;
  min-height: 2.25rem;
}
input[type='search'] { width: 100%; }
input[type='number'] { width: 5.5rem; }
button { cursor: pointer; }
button:hover:enabled { border-color: var(--accent); color: var(--accent); }
button:disabled { opacity: 0.45; cursor: default; }
#count, .note { margin: 0.75rem 0 1rem; }
#pager { justify-content: center; margin-top: 2rem; }

#grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17.5rem), 1fr)); gap: 1.25rem; }
#grid:has(details[open]) { align-items: start; }
.card {
  display: flex;
  flex-direction: column;
  min-width: 0;
  padding: 1rem 1.125rem 1.125rem;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 0.5rem;
  content-visibility: auto;
  contain-intrinsic-size: auto 17.5rem auto 30rem;
}
.mat {
  display: flex;
  align-items: center;
  justify-content: center;
  height: 11.5rem;
  margin: -1rem -1.125rem 0.875rem;
  background: var(--mat);
  border-bottom: 1px solid var(--line);
  border-radius: 0.5rem 0.5rem 0 0;
}
.mat img { display: block; max-width: 100%; max-height: 10rem; border-radius: 2px; }
.card h3 { font-size: 0.8125rem; font-weight: 600; overflow-wrap: anywhere; white-space: pre-line; max-height: 6em; overflow: auto; }
.facts { display: flex; flex-wrap: wrap; gap: 0 0.875rem; color: var(--quiet); font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
h4, summary { font-size: 0.75rem; font-weight: 600; color: var(--quiet); }
.text { display: grid; grid-template-columns: 1fr auto; align-items: baseline; margin-top: 0.75rem; }
.text p { grid-column: 1 / -1; max-height: 16rem; overflow: auto; overflow-wrap: anywhere; white-space: pre-line; font: 0.875rem/1.5 var(--serif); }
.text.first p { font-size: 1rem; }
.copy { display: none; min-height: 0; padding: 0.125rem 0.375rem; margin-right: -0.375rem; border-color: transparent; background: none; color: var(--accent); font-size: 0.75rem; }
.live .copy { display: block; }
.bars { margin-top: 0.875rem; font-size: 0.8125rem; }
.bars li { display: grid; grid-template-columns: 4.75rem 1fr auto; gap: 0 0.5rem; padding-bottom: 0.5rem; }
.bars .kind, .bars .score { color: var(--quiet); }
.bars .score { font-variant-numeric: tabular-nums; }
.bars .term { min-width: 0; overflow-wrap: anywhere; }
.bar { grid-column: 2 / -1; height: 3px; margin-top: 0.1875rem; background: var(--line); border-radius: 2px; overflow: hidden; }
.bar span { display: block; height: 100%; background: var(--bar); }
.error { margin-top: 0.75rem; font-size: 0.875rem; overflow-wrap: anywhere; }
.error h4 { color: var(--fault); }
.hint { margin-top: 0.25rem; color: var(--quiet); }
.card.failed { align-self: start; border-top: 3px solid var(--fault); }
@media (pointer: coarse) {
  .copy { padding: 0.5rem 0.75rem; margin: -0.5rem -0.75rem 0 0; }
  input, select { font-size: 1rem; }
  summary { padding: 0.375rem 0; }
}
@media print {
  form, #pager, .copy, details { display: none !important; }
  body { background: none; }
  .card { break-inside: avoid; content-visibility: visible; }
}
${WIDTHS}
`;
