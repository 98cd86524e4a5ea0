import { html, type Html } from '../report/index.ts';
import type { StepProfile } from './profile.ts';
import { kindTimes, OUTSIDE } from './summary.ts';

/** A name with all that is inside it. */
interface Frame {
  readonly name: string;
  readonly path: string;
  seconds: number;
  readonly inside: Map<string, Frame>;
}

const WIDTH = 1200;
const ROW = 22;
/** Narrower than this nothing is drawn, and narrower than the second no name is written. */
const MIN_WIDTH = 0.4;
const MIN_NAMED = 34;
const LETTER = 6.6;

const COLOURS: Readonly<Record<string, string>> = {
  convolution: '#7f9cf0',
  product: '#5fc470',
  pooling: '#c39bf8',
  reduction: '#ff8f7e',
  elementwise: '#f3c04a',
  copy: '#c99a7f',
  other: '#b4b8bf',
};

/** A page of its own with a profile as a flame chart: layers as the model nests them, then kinds of ops in each. */
export function flamePage(profile: StepProfile): string {
  const root = toFrames(profile);
  const boxes: Html[] = [];
  const depth = draw(root, 0, 0, WIDTH / root.seconds, root.seconds, boxes);
  const { model, batch, size, device, stepSeconds, kernelSeconds, isTraced } = profile;
  const how = isTraced ? 'as the device recorded them in whole steps' : 'each compiled and run by itself';
  const legend = kindTimes(profile).map(
    ([kind, seconds]) =>
      html`<li>
        <i style="background:${COLOURS[kind]}"></i>${kind} ${((100 * seconds) / kernelSeconds).toFixed(1)} %
      </li>`,
  );
  const title = `${model}: where a training step's time goes`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <style>
          :root {
            color-scheme: light dark;
            font:
              15px/1.5 system-ui,
              sans-serif;
          }
          body {
            max-width: ${WIDTH}px;
            margin: 2rem auto;
            padding: 0 1rem;
          }
          svg {
            width: 100%;
            height: auto;
            font:
              11px system-ui,
              sans-serif;
          }
          rect {
            stroke: Canvas;
            stroke-width: 1;
          }
          rect.layer {
            fill: light-dark(#e3e7ee, #353c47);
          }
          text {
            fill: light-dark(#16191d, #f2f4f7);
            pointer-events: none;
          }
          text.kind {
            fill: #16191d;
          }
          ul {
            list-style: none;
            padding: 0;
            display: flex;
            flex-wrap: wrap;
            gap: 0.25rem 1.2rem;
          }
          i {
            display: inline-block;
            width: 0.8em;
            height: 0.8em;
            margin-right: 0.4em;
            border-radius: 2px;
          }
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          <p>
            Batch ${batch} of ${size} px on ${device}. A step takes ${(stepSeconds.min * 1000).toFixed(1)} ms. Its
            ${profile.kernels.length} kernels, ${how}, take ${(kernelSeconds * 1000).toFixed(1)} ms together; widths are
            of that. A layer's time is of its way forward and back. A kernel that XLA fused from several layers counts
            for the one that it names.
          </p>
          <ul>
            ${legend}
          </ul>
          <svg viewBox="0 0 ${WIDTH} ${depth * ROW}" role="img" aria-label="${title}">${boxes}</svg>
        </main>
      </body>
    </html> `.text;
}

function toFrames({ kernels }: StepProfile): Frame {
  const frame = (name: string, path: string): Frame => ({ name, path, seconds: 0, inside: new Map() });
  const root = frame('step', 'step');
  for (const { layer, kind, seconds } of kernels) {
    const names = [...(layer === '' ? [OUTSIDE] : layer.split('/')), kind];
    let at = root;
    at.seconds += seconds;
    for (const name of names) {
      const inner = at.inside.get(name) ?? frame(name, `${at.path}/${name}`);
      at.inside.set(name, inner);
      inner.seconds += seconds;
      at = inner;
    }
  }
  return root;
}

/** Draws a frame and all inside it; returns how many rows that takes. */
function draw(frame: Frame, x: number, row: number, scale: number, total: number, boxes: Html[]): number {
  const width = frame.seconds * scale;
  if (width < MIN_WIDTH) return row;
  const kind = frame.inside.size === 0 ? COLOURS[frame.name] : undefined;
  const label = `${frame.path.replace(/^step\//, '')}: ${(frame.seconds * 1000).toFixed(2)} ms, ${((100 * frame.seconds) / total).toFixed(1)} %`;
  const fits = Math.floor((width - 6) / LETTER);
  const name = frame.name.length <= fits ? frame.name : `${frame.name.slice(0, Math.max(0, fits - 1))}…`;
  const fill = kind === undefined ? html`class="layer"` : html`fill="${kind}"`;
  boxes.push(
    html`<rect x="${x.toFixed(1)}" y="${row * ROW}" width="${width.toFixed(1)}" height="${ROW}" rx="2" ${fill}
      ><title>${label}</title></rect
    >`,
  );
  if (width >= MIN_NAMED) {
    boxes.push(
      html`<text x="${(x + 4).toFixed(1)}" y="${row * ROW + 15}" ${kind === undefined ? '' : html` class="kind"`}
        >${name}</text
      >`,
    );
  }
  let depth = row + 1;
  let at = x;
  for (const inner of frame.inside.values()) {
    depth = Math.max(depth, draw(inner, at, row + 1, scale, total, boxes));
    at += inner.seconds * scale;
  }
  return depth;
}
