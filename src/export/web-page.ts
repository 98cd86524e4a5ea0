/** Style of the page, in the colours of `sepal serve`: both colour schemes, screens from 320 pixels. */
export const WEB_STYLE = `:root {
  color-scheme: light dark;
  --ground: light-dark(#fcfcfa, #111513);
  --raised: light-dark(#ffffff, #1a1f1c);
  --sunken: light-dark(#f1f3ee, #222824);
  --ink: light-dark(#1b211e, #e9edea);
  --quiet: light-dark(#59635d, #a2ada6);
  --line: light-dark(#dde2db, #2e3631);
  --accent: light-dark(#1c7549, #62c894);
  --on-accent: light-dark(#ffffff, #0b120e);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 1000px;
  min-height: 100dvh;
  padding: 40px 20px;
  background: var(--ground);
  color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 0 0 12px; font-size: clamp(30px, 6vw, 46px); line-height: 1.1; letter-spacing: -0.02em; }
.lead { margin: 0; max-width: 42em; color: var(--quiet); }
#state { margin: 4px 0 24px; color: var(--quiet); }
#photos { position: absolute; width: 1px; height: 1px; opacity: 0; }
.drop {
  display: grid;
  justify-items: center;
  gap: 16px;
  padding: 40px 20px;
  border: 2px dashed var(--line);
  border-radius: 16px;
  background: var(--raised);
  text-align: center;
  font-weight: 600;
  cursor: pointer;
}
.button { padding: 12px 20px; border-radius: 10px; background: var(--accent); color: var(--on-accent); }
.touch { display: none; }
@media (pointer: coarse) { .touch { display: inline; } .mouse { display: none; } }
.drop:hover { border-color: var(--accent); }
.drop:focus-within { outline: 3px solid var(--accent); outline-offset: 3px; }
#results { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); gap: 20px; margin-top: 28px; align-items: start; }
article { padding: 16px; border: 1px solid var(--line); border-radius: 16px; background: var(--raised); }
figure { margin: 0; }
canvas { display: block; width: 100%; border-radius: 10px; }
figcaption, .time { color: var(--quiet); font-size: 14px; }
figcaption { margin-top: 8px; }
.verdict { margin: 4px 0 0; font-size: 26px; font-weight: 700; line-height: 1.2; }
.verdict::first-letter, li span:first-child::first-letter { text-transform: uppercase; }
.time { margin: 12px 0 0; }
ol { margin: 12px 0 0; padding: 0; list-style: none; display: grid; gap: 10px; }
li { display: grid; grid-template-columns: 1fr auto; gap: 4px 12px; }
li:first-child { font-weight: 650; }
li span:first-child { display: block; }
.share { color: var(--quiet); font-variant-numeric: tabular-nums; }
.bar { grid-column: 1 / -1; height: 6px; border-radius: 3px; background: var(--sunken); overflow: hidden; }
.bar i { display: block; height: 100%; min-width: 2px; border-radius: 3px; background: var(--accent); }
`;

/** The page; what it shows of the model comes from `model.json`. */
export const webPage = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; img-src 'self' data:">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<script type="module" src="app.js"></script>
</head>
<body>
<main>
<h1>What is in the photo?</h1>
<p class="lead" id="classes"></p>
<p id="state" role="status">Loading the model…</p>
<label class="drop"><span class="mouse">Drop photos anywhere, or paste one</span><span class="touch">Add photos of your own</span>
<span class="button">Choose photos</span>
<input id="photos" type="file" accept="image/*" multiple></label>
<div id="results" aria-live="polite"></div>
</main>
<template id="result"><article><figure><canvas role="img"></canvas><figcaption></figcaption></figure><p class="verdict">…</p><ol></ol><p class="time"></p></article></template>
</body>
</html>
`;
