/** Style of the page: both colour schemes, screens from 320 pixels. */
export const WEB_STYLE = `:root {
  color-scheme: light dark;
  --ground: light-dark(#fcfcfa, #121614);
  --raised: light-dark(#f3f4f0, #1b211e);
  --ink: light-dark(#1b211e, #e7ebe8);
  --quiet: light-dark(#5b655f, #9ba69f);
  --accent: light-dark(#1c7549, #62c894);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 960px;
  padding: 32px 20px;
  background: var(--ground);
  color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif;
  overflow-wrap: break-word;
}
h1 { margin: 0 0 8px; line-height: 1.15; }
#state, .time, figcaption { color: var(--quiet); }
label { display: block; padding: 28px; border: 2px dashed var(--accent); border-radius: 12px; background: var(--raised); }
label:focus-within { outline: 3px solid var(--accent); outline-offset: 2px; }
input { display: block; margin-top: 8px; max-width: 100%; font: inherit; }
#results { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 20px; margin-top: 24px; }
article { padding: 16px; border-radius: 12px; background: var(--raised); }
figure { margin: 0; }
canvas { display: block; width: 100%; border-radius: 8px; }
.verdict { margin: 12px 0 0; font-weight: 650; font-size: 20px; }
.time { margin: 0; font-size: 14px; }
ol { margin: 12px 0 0; padding: 0; list-style: none; }
li span { display: block; }
meter { width: 100%; height: 14px; }
`;

/** The page; what it shows of the model comes from \`model.json\`. */
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
<h1>${title}</h1>
<p id="state" role="status">Loading the model…</p>
<label>Choose photos, drop them anywhere, or paste one.
<input id="photos" type="file" accept="image/*" multiple disabled></label>
<div id="results" aria-live="polite"></div>
</main>
<template id="result"><article><figure><canvas role="img"></canvas><figcaption></figcaption></figure><p class="verdict"></p><p class="time"></p><ol></ol></article></template>
</body>
</html>
`;
