/** @import { ModelBody } from '../answer-schema.ts' */
import { classify, fetchModel, Refusal } from './api.js';
import { Card } from './card.js';
import { byId } from './element.js';
import { openIntake } from './intake.js';
import { listed, megabytes } from './words.js';

/** Photos that are sent at a time. */
const AT_ONCE = 3;

const cards = byId('cards', HTMLOListElement);
const answers = byId('answers', HTMLElement);
const announcer = byId('announcer', HTMLParagraphElement);

/** @type {ModelBody | undefined} */
let model;
let active = 0;
/** @type {(() => Promise<void>)[]} */
const queue = [];

openIntake({
  onFiles: (files) => {
    for (const file of files) add(file, file.name);
  },
  onUrl: (url) => add(url, url),
});
byId('clear', HTMLButtonElement).addEventListener('click', () => {
  cards.replaceChildren();
  queue.length = 0;
  showAnswers();
  byId('choose', HTMLButtonElement).focus();
});
await describeModel();

/**
 * @param {File | string} photo
 * @param {string} name
 */
function add(photo, name) {
  const card = new Card(name, () => {
    const neighbour = card.element.nextElementSibling ?? card.element.previousElementSibling;
    card.element.remove();
    showAnswers();
    const other = neighbour?.querySelector('.remove');
    (other instanceof HTMLElement ? other : byId('choose', HTMLButtonElement)).focus();
  });
  cards.prepend(card.element);
  showAnswers();
  queue.push(() => look(card, photo));
  void next();
}

async function next() {
  if (active >= AT_ONCE) return;
  const work = queue.shift();
  if (work === undefined) return;
  active++;
  try {
    await work();
  } finally {
    active--;
    void next();
  }
}

/**
 * @param {Card} card
 * @param {File | string} photo
 */
async function look(card, photo) {
  // It was removed before its turn came.
  if (!card.element.isConnected) return;
  const preview = typeof photo === 'string' ? undefined : URL.createObjectURL(photo);
  try {
    if (typeof photo !== 'string') requireSmall(photo);
    if (preview !== undefined) await card.preview(preview);
    announce(card, await card.show(await classify(photo)));
  } catch (error) {
    const message = error instanceof Refusal ? error.message : 'Something went wrong on this page.';
    card.refuse(message);
    announce(card, `${card.name}: no answer. ${message}`);
    if (!(error instanceof Refusal)) throw error;
  } finally {
    if (preview !== undefined) URL.revokeObjectURL(preview);
  }
}

/**
 * Tells those who listen to the page, unless the card is gone by now.
 *
 * @param {Card} card
 * @param {string} text
 */
function announce(card, text) {
  if (card.element.isConnected) announcer.textContent = text;
}

/** @param {File} photo */
function requireSmall({ size }) {
  const limit = model?.limits.imageBytes ?? Infinity;
  if (size <= limit) return;
  throw new Refusal({
    message: 'this photo is too large',
    expected: `at most ${megabytes(limit, Math.floor)}`,
    received: megabytes(size, Math.ceil),
  });
}

function showAnswers() {
  answers.hidden = cards.childElementCount === 0;
}

async function describeModel() {
  const lead = byId('lead', HTMLParagraphElement);
  try {
    model = await fetchModel();
  } catch {
    lead.textContent = 'The server could not be reached.';
    return;
  }
  const { classes, runs, device, threshold } = model;
  const names = runs.map(({ architecture }) => architecture);
  lead.textContent = `This model knows ${classes.length === 1 ? 'one class' : `${classes.length} classes`}: ${listed(classes)}. When it is less than ${Math.round(100 * threshold)}\u00A0% sure, it says so.`;
  byId('served', HTMLParagraphElement).textContent = runs.map(({ name }) => name).join(' + ');
  const parameters = runs.reduce((sum, run) => sum + run.parameters, 0);
  const sizes = new Set(runs.map(({ size }) => `${size.width} × ${size.height}`));
  byId('facts', HTMLParagraphElement).textContent =
    `${names.join(' + ')}, ${parameters.toLocaleString('en')} parameters, sees ${listed([...sizes])} pixels, runs on ${device}.`;
}
