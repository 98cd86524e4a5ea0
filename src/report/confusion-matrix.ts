import type { Confusion } from '../metrics/index.ts';
import { html, type Html } from './html.ts';
import { characters, percent, shorten } from './numbers.ts';

/** Longest label of an axis, in characters. */
const MAX_LABEL = 26;
/** Width of an average character, as a share of the font size. */
const CHARACTER = 0.56;
const MIN_FONT = 8.5;

/** The matrix as a heat map, each row coloured by its shares, with the pairs mixed up most often. */
export function confusionMatrix(confusion: Confusion, classNames: readonly string[]): Html {
  const pairs = confusion.confusedPairs(confusion.classCount > 12 ? 16 : 8);
  return html`<section id="confusion">
    <h2>Confusion matrix</h2>
    <p class="lead">
      Rows are the true classes, columns what the model answered. Colour is the share of the row: green where it is
      right, grey where it is wrong.
    </p>
    <div class="matrix-and-pairs ${confusion.classCount > 14 && 'stacked'}">
      <div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix">
        ${heatMap(confusion, classNames)}
      </div>
      ${
        pairs.length > 0 &&
        html`<div class="pairs">
          <h3>Mixed up most often</h3>
          <ol>
            ${pairs.map(
              ({ label, predicted, count, share }) =>
                html`<li>
                  <span class="pair"><b>${classNames[label]}</b> taken for <b>${classNames[predicted]}</b></span>
                  <span class="number">${count} of ${confusion.support(label)}</span>
                  <span class="number share">${percent(share)}</span>
                </li>`,
            )}
          </ol>
        </div>`
      }
    </div>
  </section>`;
}

function heatMap(confusion: Confusion, classNames: readonly string[]): Html {
  const n = confusion.classCount;
  const cell = n <= 6 ? 76 : n <= 8 ? 62 : n <= 14 ? 42 : n <= 30 ? 28 : n <= 60 ? 15 : 9;
  const font = Math.max(MIN_FONT, Math.min(13, cell * 0.8));
  // Where rows are lower than a line of text, only every so many get their name; hovering names the others.
  const every = Math.ceil((font * 0.95) / cell);
  const labels = classNames.map((name) => shorten(name, MAX_LABEL));
  const margin = Math.ceil(Math.max(...labels.map((label) => characters(label).length)) * font * CHARACTER) + 12;
  const size = n * cell;
  const upright = margin - 12 <= cell;
  const top = upright ? 24 : margin;
  const named = labels.flatMap((label, i) => (i % every === 0 ? [{ label, middle: (i + 0.5) * cell }] : []));
  const [width, height] = [margin + size + 1, top + size + 1];
  return html`<svg
    class="matrix${n <= 8 && ' few'}"
    viewBox="${-margin} ${-top} ${width} ${height}"
    width="${width}"
    height="${height}"
    style="font-size:${font.toFixed(1)}px"
    role="img"
    aria-label="Confusion matrix of ${n} classes; the table of classes and the list of mixed-up pairs give its numbers"
  >
    <rect class="ground" width="${size}" height="${size}" />
    ${n <= 30 && gridLines(n, cell)}
    ${named.map(({ label, middle }) => html`<text x="-7" y="${middle}" dy=".35em" text-anchor="end">${label}</text>`)}
    ${named.map(({ label, middle }) =>
      upright
        ? html`<text x="${middle}" y="-9" text-anchor="middle">${label}</text>`
        : html`<text transform="translate(${middle} -7) rotate(-90)" dy=".35em">${label}</text>`,
    )}
    ${cells(confusion, classNames, cell, font)}
  </svg>`;
}

function gridLines(n: number, cell: number): Html {
  const steps = Array.from({ length: n + 1 }, (_, i) => `M0 ${i * cell}H${n * cell}M${i * cell} 0V${n * cell}`);
  return html`<path class="lattice" d="${steps.join('')}" />`;
}

/** Only the cells that hold something: a matrix of 104 classes is nearly empty. */
function cells(confusion: Confusion, classNames: readonly string[], cell: number, font: number): Html[] {
  const n = confusion.classCount;
  const shown: Html[] = [];
  for (const [i, count] of confusion.counts.entries()) {
    if (count === 0) continue;
    const [label, predicted] = [Math.floor(i / n), i % n];
    const share = count / confusion.support(label);
    const opacity = 0.1 + 0.9 * share;
    const words =
      label === predicted
        ? `${classNames[label]}: ${count} of ${confusion.support(label)} right (${percent(share)})`
        : `${classNames[label]} taken for ${classNames[predicted]}: ${count} of ${confusion.support(label)} (${percent(share)})`;
    const tone = label === predicted ? 'right' : 'wrong';
    const strength = opacity > 0.85 ? 'strong' : opacity > 0.55 ? 'medium' : 'faint';
    const fits = cell >= 28 && String(count).length * font * 0.64 <= cell;
    const [x, y] = [predicted * cell, label * cell];
    shown.push(
      html`<g
        ><title>${words}</title
        ><rect
          class="${tone}"
          x="${x}"
          y="${y}"
          width="${cell}"
          height="${cell}"
          fill-opacity="${opacity.toFixed(2)}"
        />${fits && html`<text class="${strength}" x="${x + cell / 2}" y="${y + cell / 2}" dy=".35em" text-anchor="middle">${count}</text>`}</g
      >`,
    );
  }
  return shown;
}
