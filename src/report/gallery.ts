import { formatCount, plural } from '../base/index.ts';
import type { Confusion } from '../metrics/index.ts';
import { html, Html, type HtmlValue } from './html.ts';
import { percent } from './numbers.ts';
import type { ConfusedPhotos, Mistake, ReportData } from './report-data.ts';

/** The worst mistakes, and those of the pairs mixed up most often, with their images. */
export function gallery({ mistakes, confusedPhotos = [], classNames }: ReportData, confusion: Confusion): Html {
  const wrong = confusion.total - confusion.correct;
  return html`<section id="mistakes">
    <h2>Worst mistakes</h2>
    <p class="lead">${lead(mistakes.length, wrong, confusion.total)}</p>
    ${
      mistakes.some(({ heat }) => heat !== undefined) &&
      html`<p class="switch">
        <input type="checkbox" id="show-heat" />
        <label for="show-heat">Show what spoke for the wrong class (Grad-CAM)</label>
      </p>`
    }
    ${
      mistakes.length > 0 &&
      html`<ul class="gallery">
        ${mistakes.map((mistake) => html`<li>${card(mistake, classNames)}</li>`)}
      </ul>`
    }
    ${
      confusedPhotos.length > 0 &&
      html`<h3 class="apart">Mixed up most often</h3>
        <div class="confused">${confusedPhotos.map((pair) => strip(pair, classNames))}</div>`
    }
  </section>`;
}

/** Photos of one pair of classes in a row. */
function strip({ label, predicted, count, photos }: ConfusedPhotos, classNames: readonly string[]): Html {
  const words = `Photo of ${classNames[label]}, taken for ${classNames[predicted]}`;
  return html`<figure>
    <div class="strip">${photos.map((mistake) => picture(mistake, words))}</div>
    <figcaption>
      <b>${classNames[label]}</b> taken for <b>${classNames[predicted]}</b>, ${plural(count, 'time')}
    </figcaption>
  </figure>`;
}

function picture({ image, heat }: Mistake, words: string): Html {
  return html`<div class="photo">
    ${photo(image, words)}${heat !== undefined && html`<div class="heat">${photo(heat, '')}</div>`}
  </div>`;
}

function lead(shown: number, wrong: number, total: number): string {
  if (total === 0) return 'There were no images to be wrong about.';
  if (wrong === 0)
    return `None: ${total === 1 ? 'the one image was' : `all ${formatCount(total)} images were`} classified correctly.`;
  if (shown === 0) return `${plural(wrong, 'image')} got a wrong name; their photos were not kept.`;
  return `${plural(wrong, 'image')} of ${formatCount(total)} got a wrong name. Here are the ${formatCount(shown)} where the model was most sure of it.`;
}

function card(mistake: Mistake, classNames: readonly string[]): Html {
  const { id, label, predicted, probability } = mistake;
  return html`<figure>
    ${picture(mistake, `Photo of ${classNames[label]}, taken for ${classNames[predicted]}`)}
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
