import { html, type Html } from './html.ts';
import { lineChart } from './line-chart.ts';
import { percent } from './numbers.ts';

/** What a layer did with a batch, and what the loss asked of it. */
export interface LayerFigures {
  readonly layer: string;
  readonly mean: number;
  readonly std: number;
  /** Share of outputs that are 0. */
  readonly zeros: number;
  /** Root mean square of the loss's gradient at the outputs. */
  readonly outputGradient: number;
  /** L2 norms over the layer's own variables. */
  readonly weights?: { readonly norm: number; readonly gradientNorm: number };
}

/** Activations and gradients layer by layer, from the input to the output; nothing where they were not asked for. */
export function layerSection(layers: readonly LayerFigures[] = []): Html | undefined {
  if (layers.length === 0) return undefined;
  const chart = (title: string, value: (layer: LayerFigures) => number | undefined): Html =>
    lineChart({
      title,
      xName: 'layer',
      series: [
        {
          name: title,
          tone: 'accent',
          points: layers.flatMap((layer, i) => {
            const y = value(layer);
            return y === undefined ? [] : [{ x: i + 1, y }];
          }),
        },
      ],
      format: digits,
    });
  return html`<section id="layers">
    <h2>Layers</h2>
    <p class="lead">
      Of one batch without augmentation, from the input to the output. Outputs that shrink or grow from layer to layer,
      gradients that vanish on the way back, and layers that give only zeros are what to look for.
    </p>
    <div class="charts">
      ${chart('Standard deviation of the outputs', ({ std }) => std)}
      ${chart('Gradient at the outputs, root mean square', ({ outputGradient }) => outputGradient)}
      ${chart('Share of outputs that are 0', ({ zeros }) => zeros)}
      ${chart('Gradient of the variables, relative to them', ({ weights }) => weights && weights.gradientNorm / weights.norm)}
    </div>
    <div class="scroll tall apart" tabindex="0" role="region" aria-label="Activations and gradients of every layer">
      <table>
        <caption class="hidden">
          Activations and gradients of every layer
        </caption>
        <thead>
          <tr>
            <th scope="col">Layer</th>
            ${['Mean', 'Deviation', 'Zeros', 'Gradient', 'Weights', 'Gradient of weights'].map(
              (name) => html`<th scope="col" class="number">${name}</th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${layers.map(
            ({ layer, mean, std, zeros, outputGradient, weights }) =>
              html`<tr>
                <th scope="row">${layer}</th>
                ${[
                  digits(mean),
                  digits(std),
                  percent(zeros),
                  digits(outputGradient),
                  digits(weights?.norm),
                  digits(weights?.gradientNorm),
                ].map((text) => html`<td class="number">${text}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function digits(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4)
    ? value.toExponential(1)
    : String(Number(value.toPrecision(3)));
}
