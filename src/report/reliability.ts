import { expectedCalibrationError, type Calibration, type ReliabilityBin } from '../metrics/index.ts';
import { html, type Html } from './html.ts';
import { percent, score } from './numbers.ts';

const SIZE = { width: 500, height: 240, left: 46, bottom: 204, right: 484, top: 14 };

/** How far the model's own confidence can be trusted; nothing where it was not measured. */
export function reliability(bins: readonly ReliabilityBin[] | undefined, temperature?: Calibration): Html | undefined {
  if (bins === undefined || bins.every(({ count }) => count === 0)) return undefined;
  const x = (share: number) => (SIZE.left + share * (SIZE.right - SIZE.left)).toFixed(1);
  const y = (share: number) => (SIZE.bottom - share * (SIZE.bottom - SIZE.top)).toFixed(1);
  const error = expectedCalibrationError(bins);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return html`<section id="calibration">
    <h2>Calibration</h2>
    <p class="lead">
      How often the model is right when it says how sure it is. On the diagonal it is as often right as it claims; bars
      below it mean it is too sure. Expected calibration error: ${score(error)}.
      ${temperature !== undefined && advice(temperature)}
    </p>
    <figure class="chart">
      <svg
        viewBox="0 0 ${SIZE.width} ${SIZE.height}"
        role="img"
        aria-label="Accuracy by confidence; expected calibration error ${score(error)}"
      >
        ${ticks.map(
          (tick) =>
            html`<line class="grid" x1="${SIZE.left}" x2="${SIZE.right}" y1="${y(tick)}" y2="${y(tick)}" /><text
                class="tick"
                x="${SIZE.left - 8}"
                y="${y(tick)}"
                dy="0.32em"
                text-anchor="end"
                >${tick}</text
              ><text class="tick" x="${x(tick)}" y="${SIZE.bottom + 18}" text-anchor="middle">${tick}</text>`,
        )}
        ${bins
          .filter(({ count }) => count > 0)
          .map(
            ({ low, high, count, confidence, accuracy }) =>
              html`<rect
                class="column"
                x="${x(low)}"
                y="${y(accuracy)}"
                width="${(Number(x(high)) - Number(x(low)) - 2).toFixed(1)}"
                height="${(SIZE.bottom - Number(y(accuracy))).toFixed(1)}"
                ><title>
                  ${percent(confidence)} sure on average, ${percent(accuracy)} right, ${count} images
                </title></rect
              >`,
          )}
        <line class="best" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}" />
        <text class="tick" x="${x(0.5)}" y="${SIZE.height - 2}" text-anchor="middle">confidence</text>
      </svg>
    </figure>
  </section>`;
}

function advice({ temperature, errorBefore, errorAfter, lossBefore, lossAfter }: Calibration): string {
  const divided = `Dividing the logits by a temperature of ${temperature.toFixed(2)}, fitted on these images, `;
  const change = (before: number, after: number) => [score(before), score(after)] as const;
  const [error, newError] = change(errorBefore, errorAfter);
  const [loss, newLoss] = change(lossBefore, lossAfter);
  if (error === newError && loss === newLoss) return `${divided}changes next to nothing.`;
  return (
    `${divided}leads to an error of ${newError} ${error === newError ? 'as before' : `instead of ${error}`} and a log loss ` +
    `of ${newLoss} ${loss === newLoss ? 'as before' : `instead of ${loss}`}; no decision changes.`
  );
}
