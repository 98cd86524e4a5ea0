/** @import { ClassifiedBody } from '../answer-schema.ts' */
import { fromTemplate, within } from './element.js';
import { drawHeat } from './heat.js';
import { duration, percent, readable, whereabouts } from './words.js';

/** What the page shows of one photo: first that it is being looked at, then the answer or why there is none. */
export class Card {
  element = fromTemplate('card');

  /**
   * @param {string} name
   * @param {() => void} onRemove
   */
  constructor(name, onRemove) {
    this.name = name;
    this.#text('.source').textContent = name;
    this.#text('.source').title = name;
    this.#text('.verdict').textContent = 'Looking…';
    this.element.classList.add('waiting');
    this.element.setAttribute('aria-busy', 'true');
    const remove = within(this.element, '.remove', HTMLButtonElement);
    remove.setAttribute('aria-label', `Remove ${name}`);
    remove.addEventListener('click', onRemove);
  }

  /**
   * Shows the photo at once, before the model has seen it.
   *
   * @param {string} url of the photo in memory
   */
  async preview(url) {
    const image = this.#image();
    image.src = url;
    image.alt = `${this.name}, as it was sent`;
  }

  /**
   * @param {ClassifiedBody} answer
   * @returns {Promise<string>} the answer in a sentence
   */
  async show(answer) {
    const { sure, classes, picture = '', explanations = [], milliseconds } = answer;
    this.#done();
    const [best] = classes;
    const image = this.#image();
    image.src = picture;
    image.alt = `${this.name}, as the model saw it`;
    await image.decode();
    this.#text('.seen-caption').textContent = `As the model saw it, ${image.naturalWidth} × ${image.naturalHeight}`;
    this.element.classList.toggle('unsure', !sure);
    this.#text('.verdict').textContent = sure ? readable(best.name) : 'Not sure';
    this.#text('.doubt').textContent = sure
      ? ''
      : `It could be ${readable(best.name)}, but at ${percent(best.probability)} the model would rather not say so.`;
    this.#showBars(answer);
    this.#text('.time').textContent = timing(milliseconds);
    if (explanations.length > 0) this.#explain(answer, explanations[0].class);
    return sure
      ? `${this.name}: ${readable(best.name)}, ${percent(best.probability)}`
      : `${this.name}: not sure; nearest is ${readable(best.name)}, ${percent(best.probability)}`;
  }

  /** @param {string} message why there is no answer */
  refuse(message) {
    this.#done();
    this.element.classList.add('refused');
    this.#text('.verdict').textContent = 'No answer';
    this.#text('.doubt').textContent = message;
  }

  #done() {
    this.element.classList.remove('waiting');
    this.element.removeAttribute('aria-busy');
  }

  /** @param {ClassifiedBody} answer */
  #showBars(answer) {
    const bars = within(this.element, '.bars', HTMLOListElement);
    const explained = new Set((answer.explanations ?? []).map((explanation) => explanation.class));
    bars.replaceChildren(
      ...answer.classes.map(({ name, probability }) => {
        const row = fromTemplate('bar');
        let bar = within(row, '.bar', HTMLElement);
        within(bar, '.name', HTMLElement).textContent = readable(name);
        within(bar, '.share', HTMLElement).textContent = percent(probability);
        within(bar, '.fill', HTMLElement).style.inlineSize = `${100 * probability}%`;
        if (explained.has(name)) {
          bar.dataset.class = name;
          bar.addEventListener('click', () => this.#explain(answer, name));
        } else {
          const plain = document.createElement('div');
          plain.className = 'bar';
          plain.append(...bar.childNodes);
          bar.replaceWith(plain);
          bar = plain;
        }
        return row;
      }),
    );
  }

  /**
   * @param {ClassifiedBody} answer
   * @param {string} name of the class whose map is shown
   */
  #explain({ explanations = [] }, name) {
    const map = explanations.find((explanation) => explanation.class === name);
    if (map === undefined) return;
    const canvas = within(this.element, '.heat', HTMLCanvasElement);
    drawHeat(canvas, this.#image(), map);
    const place = whereabouts(map);
    const caption = place === '' ? `Nothing in it speaks for ${readable(name)}` : `What speaks for ${readable(name)}`;
    canvas.setAttribute('aria-label', place === '' ? caption : `${caption}: mostly the ${place} of the photo`);
    this.#text('.heat-caption').textContent = caption;
    this.element.classList.add('explained');
    for (const bar of this.element.querySelectorAll('button.bar')) {
      bar.setAttribute('aria-pressed', String(bar instanceof HTMLElement && bar.dataset.class === name));
    }
  }

  #image() {
    return within(this.element, '.seen', HTMLImageElement);
  }

  /** @param {string} selector */
  #text(selector) {
    return within(this.element, selector, HTMLElement);
  }
}

/** @param {ClassifiedBody['milliseconds']} times */
function timing({ fetch, decode, queue, model, total }) {
  const parts = [
    fetch === undefined ? '' : `${duration(fetch)} to fetch`,
    `${duration(decode)} to decode`,
    queue < 1 ? '' : `${duration(queue)} in the queue`,
    `${duration(model)} in the network`,
  ];
  return `${duration(total)}: ${parts.filter((part) => part !== '').join(', ')}`;
}
