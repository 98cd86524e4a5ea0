import { formatCount, plural } from '../base/index.ts';
import type { Confusion } from '../metrics/index.ts';
import { html, Html, type HtmlValue } from './html.ts';
import { percent } from './numbers.ts';
import type { Mistake } from './report-data.ts';

/** The worst mistakes with their images. */
export function gallery(mistakes: readonly Mistake[], confusion: Confusion, classNames: readonly string[]): Html {
  const wrong = confusion.total - confusion.correct;
  return html`<section id="mistakes">
    <h2>Worst mistakes</h2>
    <p class="lead">${lead(mistakes.length, wrong, confusion.total)}</p>
    ${
      mistakes.length > 0 &&
      html`<ul class="gallery">
        ${mistakes.map((mistake) => html`<li>${card(mistake, classNames)}</li>`)}
      </ul>`
    }
  </section>`;
}

function lead(shown: number, wrong: number, total: number): string {
  if (total === 0) return 'There were no images to be wrong about.';
  if (wrong === 0)
    return `None: ${total === 1 ? 'the one image' : `all ${formatCount(total)} images`} were named rightly.`;
  if (shown === 0) return `${plural(wrong, 'image')} got a wrong name; their photos were not kept.`;
  return `${plural(wrong, 'image')} of ${formatCount(total)} got a wrong name. Here are the ${formatCount(shown)} where the model was most sure of it.`;
}

function card({ id, label, predicted, probability, image }: Mistake, classNames: readonly string[]): Html {
  return html`<figure>
    ${photo(image, `Photo of ${classNames[label]}, taken for ${classNames[predicted]}`)}
    <figcaption>
      <b>${classNames[label]}</b>
      <span>taken for ${classNames[predicted]}, <span class="number">${percent(probability)}</span></span>
      <small>${id}</small>
    </figcaption>
  </figure>`;
}

/** Training images before and after augmentation. */
export function augmentedImages(sheet: Uint8Array | undefined): HtmlValue {
  return (
    sheet !== undefined &&
    html`<section id="augmented">
      <h2>What the model saw</h2>
      <p class="lead">A row for each training image: as it is stored, then as steps of training drew it.</p>
      <div class="sheet">${photo(sheet, 'Training images before and after augmentation')}</div>
    </section>`
  );
}

function photo(image: Uint8Array, alt: string): HtmlValue {
  const type = mediaType(image);
  if (type === undefined) return html`<div class="no-photo">no JPEG or PNG</div>`;
  const base64 = Buffer.from(image.buffer, image.byteOffset, image.byteLength).toString('base64');
  return html`<img alt="${alt}" src="data:${type};base64,${new Html(base64)}" />`;
}

function mediaType(image: Uint8Array): string | undefined {
  if (image[0] === 0xff && image[1] === 0xd8) return 'image/jpeg';
  if (image[0] === 0x89 && image[1] === 0x50) return 'image/png';
  return undefined;
}
