import { formatCount, plural } from '../base/index.ts';
import { html, type Html } from './html.ts';
import type { Facts, ReportData } from './report-data.ts';

/** What the run was made of: recipe, data, model, device, and how to repeat it. */
export function settings({ recipe, data, model, device, reproducibility, classNames, created }: ReportData): Html {
  const images = Object.entries(data.images).map(([split, count]) => [split, plural(count, 'image')]);
  return html`<section id="settings">
    <h2>How it was made</h2>
    <div class="facts">
      ${facts('Data', { Set: data.name, ...Object.fromEntries(images), Classes: formatCount(classNames.length) })}
      ${facts('Model', {
        Name: model.name,
        Parameters: formatCount(model.parameters),
        Input: model.imageSize && `${model.imageSize.join(' × ')} pixels`,
      })}
      ${facts('Device', {
        Platform: device.platform,
        Kind: device.kind,
        Plugin: device.plugin,
        Replicas: device.replicas,
        Threads: device.threads,
        Node: device.node,
      })}
      ${facts('To repeat it', { Seed: reproducibility.seed, Sepal: reproducibility.version, Made: `${created.toISOString().slice(0, 16).replace('T', ' ')} UTC` })}
    </div>
    <h3>Command</h3>
    <pre tabindex="0">${reproducibility.command}</pre>
    ${
      recipe !== undefined &&
      html`<h3>Recipe</h3>
        ${recipeBlock(recipe)}`
    }
  </section>`;
}

function recipeBlock(recipe: string | Facts): Html {
  return typeof recipe === 'string' ? html`<pre tabindex="0">${recipe.trimEnd()}</pre>` : list(recipe);
}

/** Names with their values under a title. */
export function facts(title: string, values: Facts): Html {
  return html`<div>
    <h3>${title}</h3>
    ${list(values)}
  </div>`;
}

function list(values: Facts): Html {
  const shown = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return html`<dl>
    ${shown.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${String(value)}</dd>
        </div>`,
    )}
  </dl>`;
}
