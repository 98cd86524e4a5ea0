/** The page's style: one accent colour, both colour schemes, paper, and screens from 320 pixels. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fcfcfa;
  --raised: #f3f4f0;
  --ink: #1b211e;
  --quiet: #5b655f;
  --line: #dfe3dd;
  --accent: #1c7549;
  --on-accent: #ffffff;
  --on-medium: #10150f;
  --hue0: #1c7549;
  --hue1: #b4560b;
  --hue2: #3f5fb5;
  --hue3: #a3305f;
  --hue4: #8a6d00;
  --hue5: #0a7d8c;
  --hue6: #6b4a9e;
  --hue7: #4a5560;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #121614;
    --raised: #1b211e;
    --ink: #e7ebe8;
    --quiet: #9ba69f;
    --line: #2c3430;
    --accent: #62c894;
    --on-accent: #0c120f;
    --on-medium: #0c120f;
    --hue0: #62c894;
    --hue1: #f0a05a;
    --hue2: #8ba6f5;
    --hue3: #f08bb4;
    --hue4: #d9be4e;
    --hue5: #5fc9d6;
    --hue6: #b99af0;
    --hue7: #a9b5bf;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
  overflow-wrap: break-word;
}
main, footer { max-width: 1128px; margin: 0 auto; padding: 0 24px; }
footer { padding-block: 40px 56px; color: var(--quiet); font-size: 14px; }
header { padding: 72px 0 0; }
section { margin-top: 72px; padding-top: 28px; border-top: 1px solid var(--line); }
h1 { margin: 0; font-size: clamp(30px, 5vw, 46px); line-height: 1.15; letter-spacing: -0.02em; font-weight: 650; }
h2 { margin: 0; font-size: 24px; line-height: 1.25; letter-spacing: -0.01em; font-weight: 620; }
h3 { margin: 0 0 8px; font-size: 15px; font-weight: 620; }
p { margin: 0; text-wrap: pretty; }
dl, dd, ol, ul, figure { margin: 0; padding: 0; }
ol, ul { list-style: none; }
b, strong { font-weight: 620; }
small { font-size: 13px; }
.number, .figures dd, .facts dd, .tick { font-variant-numeric: tabular-nums; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.kind { margin-bottom: 14px; color: var(--quiet); font-size: 14px; }
.kind span { color: var(--accent); font-weight: 650; margin-right: 4px; }
.verdict { max-width: 44em; margin-top: 20px; font-size: 18px; color: var(--quiet); }
.verdict strong { color: var(--ink); font-weight: 560; }
.lead { max-width: 46em; margin: 8px 0 28px; color: var(--quiet); }

.figures { display: flex; flex-wrap: wrap; gap: 28px 52px; margin-top: 44px; }
.figures dt { color: var(--quiet); font-size: 14px; }
.figures dd { white-space: nowrap; font-size: 27px; line-height: 1.3; letter-spacing: -0.015em; font-weight: 560; }
.figures dd small { display: block; color: var(--quiet); font-weight: 400; letter-spacing: 0; line-height: 1.4; }
.figures div:first-child dd { color: var(--accent); }
.figures div:first-child small { color: var(--quiet); }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 36px 40px; }
.chart figcaption { margin-bottom: 6px; font-weight: 620; font-size: 15px; }
.chart svg { display: block; width: 100%; max-width: 620px; height: auto; font-size: 12.5px; overflow: visible; }
.chart text, .matrix text { fill: var(--ink); }
.chart .tick, .chart .mark { fill: var(--quiet); }
.chart .mark.strong { fill: var(--ink); font-weight: 620; }
.grid { stroke: var(--line); }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.line.accent { stroke: var(--accent); }
.line.quiet { stroke: var(--quiet); stroke-width: 1.5; opacity: .8; }
.dot { stroke: var(--ground); stroke-width: 2; }
.dot.accent { fill: var(--accent); }
.dot.quiet { fill: var(--quiet); }
.chart .end.accent { fill: var(--accent); font-weight: 620; }
.chart .end.quiet { fill: var(--quiet); }
.line.hue0 { stroke: var(--hue0); } .dot.hue0, .chart .end.hue0 { fill: var(--hue0); } .swatch.hue0 { background: var(--hue0); }
.line.hue1 { stroke: var(--hue1); } .dot.hue1, .chart .end.hue1 { fill: var(--hue1); } .swatch.hue1 { background: var(--hue1); }
.line.hue2 { stroke: var(--hue2); } .dot.hue2, .chart .end.hue2 { fill: var(--hue2); } .swatch.hue2 { background: var(--hue2); }
.line.hue3 { stroke: var(--hue3); } .dot.hue3, .chart .end.hue3 { fill: var(--hue3); } .swatch.hue3 { background: var(--hue3); }
.line.hue4 { stroke: var(--hue4); } .dot.hue4, .chart .end.hue4 { fill: var(--hue4); } .swatch.hue4 { background: var(--hue4); }
.line.hue5 { stroke: var(--hue5); } .dot.hue5, .chart .end.hue5 { fill: var(--hue5); } .swatch.hue5 { background: var(--hue5); }
.line.hue6 { stroke: var(--hue6); } .dot.hue6, .chart .end.hue6 { fill: var(--hue6); } .swatch.hue6 { background: var(--hue6); }
.line.hue7 { stroke: var(--hue7); } .dot.hue7, .chart .end.hue7 { fill: var(--hue7); } .swatch.hue7 { background: var(--hue7); }
.swatch { display: inline-block; width: 12px; height: 12px; margin-right: 8px; border-radius: 3px; vertical-align: -1px; }
.best { stroke: var(--quiet); stroke-dasharray: 2 4; }
.after { fill: var(--ink); opacity: .045; }
.hover { fill: var(--ink); fill-opacity: 0; }
.hover:hover { fill-opacity: .08; }
.column { fill: var(--accent); }
.column ~ .best { stroke: var(--ink); }
.trial { stroke: var(--ground); stroke-width: 1.5; fill: var(--accent); }
.trial.pruned { fill: var(--ground); stroke: var(--quiet); }
.trial.best { stroke: var(--ink); stroke-width: 2.5; }
.trial:hover { stroke: var(--ink); }
.line.faint { stroke: var(--quiet); stroke-width: 1.25; opacity: .45; }
.line.faint:hover { opacity: 1; }
.wide { overflow-x: auto; }
.wide td, .wide th, .whole { white-space: nowrap; }

.scroll {
  --shade: color-mix(in srgb, var(--ink) 16%, transparent);
  overflow-x: auto;
  background:
    linear-gradient(to right, var(--ground) 24px, transparent) left / 48px 100% no-repeat local,
    linear-gradient(to left, var(--ground) 24px, transparent) right / 48px 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / 12px 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) right / 12px 100% no-repeat scroll;
}
.matrix-and-pairs { display: grid; grid-template-columns: auto minmax(280px, 1fr); gap: 40px 56px; align-items: start; }
.matrix-and-pairs.stacked { grid-template-columns: minmax(0, 1fr); }
.stacked ol { columns: 2; column-gap: 48px; }
.matrix { display: block; max-width: none; font-variant-numeric: tabular-nums; }
.matrix .ground { fill: var(--raised); }
.matrix .lattice { stroke: var(--ground); stroke-width: 2; fill: none; }
.matrix .right { fill: var(--accent); }
.matrix .wrong { fill: var(--ink); }
.matrix g text { pointer-events: none; }
.matrix g .medium { fill: var(--on-medium); }
.matrix g .strong { fill: var(--on-accent); }
.matrix g .wrong ~ .medium, .matrix g .wrong ~ .strong { fill: var(--ground); }
.matrix g:hover rect { stroke: var(--ink); stroke-width: 1.5; }
.pairs li { display: grid; grid-template-columns: 1fr auto 4em; gap: 14px; padding: 7px 0; border-bottom: 1px solid var(--line); font-size: 15px; break-inside: avoid; }
.pairs .pair { color: var(--quiet); min-width: 0; }
.pairs b { color: var(--ink); font-weight: 500; }
.pairs .share { white-space: nowrap; text-align: right; color: var(--quiet); }

.tall { max-height: 620px; overflow-y: auto; }
table { width: 100%; border-collapse: collapse; font-size: 15px; }
thead th { position: sticky; top: 0; background: var(--ground); box-shadow: inset 0 -1px var(--line); padding-block: 8px; text-align: left; font-size: 14px; font-weight: 500; color: var(--quiet); white-space: nowrap; }
.sortable thead th { padding-block: 0; }
thead .number { text-align: right; }
thead button { position: relative; font: inherit; font-size: 14px; font-weight: 500; color: var(--quiet); background: none; border: 0; padding: 8px 0; cursor: pointer; }
thead button::after { content: "↕"; content: "↕" / ""; opacity: 0; position: absolute; left: 100%; margin: 0 3px; }
thead .number button::after { left: auto; right: 100%; }
thead button:hover::after { opacity: .6; }
thead [aria-sort=ascending] button::after { content: "↑"; content: "↑" / ""; opacity: 1; }
thead [aria-sort=descending] button::after { content: "↓"; content: "↓" / ""; opacity: 1; }
thead [aria-sort=ascending] button, thead [aria-sort=descending] button { color: var(--ink); }
tbody th { text-align: left; font-weight: 500; }
tbody th, td { padding: 8px 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
th + th, td { padding-left: 20px; }
td.number { text-align: right; white-space: nowrap; }
.tight th + th, .tight td { padding-left: 14px; }
.tight .whole { white-space: normal; min-width: 120px; max-width: 200px; }
.scroll tbody th, .scroll thead th:first-child { position: sticky; left: 0; background: var(--ground); }
.scroll thead th:first-child { z-index: 1; }
td:last-child { color: var(--quiet); }
.bar { display: inline-block; width: 84px; height: 6px; margin-right: 12px; border-radius: 3px; background: var(--line); vertical-align: 2px; }
.bar span { display: block; height: 100%; border-radius: 3px; background: var(--accent); }

.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(156px, 1fr)); gap: 28px 20px; }
.gallery img, .no-photo { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 6px; background: var(--raised); }
.no-photo { display: grid; place-items: center; color: var(--quiet); font-size: 14px; }
.photo { position: relative; }
.heat { display: none; position: absolute; inset: 0; }
#mistakes:has(#show-heat:checked) .heat { display: block; }
.heat img { background: none !important; }
.switch { margin: -12px 0 24px; font-size: 15px; }
.switch input { accent-color: var(--accent); width: 16px; height: 16px; margin: 0 6px 0 0; vertical-align: -2px; }
.apart { margin-top: 44px; margin-bottom: 16px; }
.confused { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 28px 32px; }
.strip { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px; }
.strip img, .strip .no-photo { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 4px; background: var(--raised); }
.confused figcaption { margin-top: 8px; font-size: 14px; color: var(--quiet); }
.confused b { color: var(--ink); font-weight: 500; }
.gallery figcaption { margin-top: 8px; font-size: 14px; line-height: 1.4; }
.gallery figcaption > * { display: block; }
.gallery small { color: var(--quiet); overflow-wrap: anywhere; }
.sheet img { display: block; max-width: 100%; border-radius: 6px; }

.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 230px), 1fr)); gap: 36px 40px; margin: 24px 0 36px; }
#settings dl { font-size: 15px; }
#settings dl div { display: flex; justify-content: space-between; gap: 16px; padding: 6px 0; border-bottom: 1px solid var(--line); }
#settings dt { color: var(--quiet); flex: none; max-width: 50%; }
#settings dd { text-align: right; min-width: 0; overflow-wrap: anywhere; }
pre { margin: 0 0 28px; padding: 16px 20px; overflow-x: auto; background: var(--raised); border-radius: 6px; font: 13.5px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 2px; }

@media (max-width: 860px) {
  .matrix-and-pairs { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 600px) {
  main, footer { padding-inline: 16px; }
  header { padding-top: 40px; }
  section { margin-top: 52px; }
  .figures { display: grid; grid-template-columns: repeat(2, 1fr); margin-top: 32px; }
  .stacked ol { columns: 1; }
  .gallery { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px 14px; }
  .chart svg { font-size: 14px; }
  .matrix.few { width: 100%; height: auto; }
  .bar { display: none; }
  th + th, td { padding-left: 16px; }
  .scroll tbody th { min-width: 104px; max-width: 42vw; white-space: normal; overflow-wrap: anywhere; padding-right: 8px; }
}
@media print {
  body { font-size: 11pt; background: none; }
  main { max-width: none; padding: 0; }
  header { padding-top: 0; }
  section { margin-top: 28pt; }
  .tall { max-height: none; }
  .scroll, .tall, pre { overflow: visible; }
  .scroll { background: none; }
  pre { white-space: pre-wrap; }
  .matrix { max-width: 100%; max-height: 22cm; height: auto; }
  .charts { grid-template-columns: 1fr 1fr; }
  .matrix-and-pairs { grid-template-columns: 1fr; }
  thead th { position: static; box-shadow: none; border-bottom: 1px solid var(--line); }
  h2, h3, .lead { break-after: avoid; }
  tr, li, .lead, .chart, .facts > div { break-inside: avoid; }
  .bar, .bar span, .column { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
