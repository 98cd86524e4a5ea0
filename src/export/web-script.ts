/** The page's program: it classifies photos on the device that shows it. */
export const WEB_SCRIPT = `import * as ort from './ort.webgpu.bundle.min.mjs';

const TOP = 5;
const state = document.querySelector('#state');
const results = document.querySelector('#results');
const template = document.querySelector('#result');
const about = await describe().catch(failed);
const [height, width] = about.size;

// More threads need headers that a plain file server doesn't send.
ort.env.wasm.numThreads = 1;

async function describe() {
  const response = await fetch('model.json');
  if (!response.ok) throw new Error('model.json, status ' + response.status);
  return response.json();
}

function failed(error) {
  state.textContent = 'The model could not be loaded: ' + error.message;
  throw error;
}

async function openSession() {
  if ('gpu' in navigator && (await navigator.gpu.requestAdapter().catch(() => null)) !== null) {
    try {
      return await ort.InferenceSession.create('model.onnx', { executionProviders: ['webgpu'] });
    } catch (error) {
      console.info('WebGPU is not used:', error);
    }
  }
  return ort.InferenceSession.create('model.onnx', { executionProviders: ['wasm'] });
}

/** The photo as the model sees it: cropped at its centre to the model's aspect ratio, and resized. */
function draw(bitmap, canvas) {
  canvas.width = width;
  canvas.height = height;
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [w, h] = [width / scale, height / scale];
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, (bitmap.width - w) / 2, (bitmap.height - h) / 2, w, h, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) pixels.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  return pixels;
}

async function classify(session, file) {
  const item = template.content.firstElementChild.cloneNode(true);
  item.querySelector('figcaption').textContent = file.name;
  item.querySelector('canvas').setAttribute('aria-label', file.name + ' as the model sees it');
  results.prepend(item);
  try {
    const bitmap = await createImageBitmap(file);
    const pixels = draw(bitmap, item.querySelector('canvas'));
    const started = performance.now();
    const images = new ort.Tensor('uint8', pixels, [1, height, width, 3]);
    const { probabilities } = await session.run({ images });
    show(item, [...probabilities.data], performance.now() - started);
  } catch (error) {
    item.querySelector('canvas').remove();
    item.querySelector('.verdict').textContent = 'This file is no picture that the browser can read.';
    console.info(error);
  }
}

/** Never a certainty: what is nearly one or nothing is told as such. */
function percentOf(share) {
  if (share > 0.999) return '> 99.9 %';
  return share < 0.001 ? '< 0.1 %' : (100 * share).toFixed(1) + ' %';
}

function show(item, probabilities, milliseconds) {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const [best] = order;
  const sure = probabilities[best] >= 0.5;
  item.querySelector('.verdict').textContent = sure ? about.classes[best] : 'Not sure: perhaps ' + about.classes[best];
  item.querySelector('.time').textContent = Math.round(milliseconds) + ' ms on this device';
  item.dataset.probabilities = JSON.stringify(probabilities);
  item.querySelector('ol').replaceChildren(
    ...order.slice(0, TOP).map((index) => {
      const part = (tag, name, text) => Object.assign(document.createElement(tag), { className: name, textContent: text });
      const row = part('li', '', '');
      const bar = part('span', 'bar', '');
      const filled = document.createElement('i');
      filled.style.width = 100 * probabilities[index] + '%';
      bar.append(filled);
      row.append(part('span', '', about.classes[index]), part('span', 'share', percentOf(probabilities[index])), bar);
      return row;
    }),
  );
  item.dataset.done = 'true';
}

const NAMED = 6;
const more = about.classes.length - NAMED;
document.querySelector('#classes').textContent =
  'This model knows ' + about.classes.length + ' classes: ' +
  about.classes.slice(0, NAMED).join(', ') + (more > 0 ? ' and ' + more + ' more.' : '.');

const opening = openSession();
// One after the other: a session runs one batch at a time. Photos that come before it is there wait for it.
let last = opening;
const take = (files) => {
  for (const file of files) last = last.then(async () => classify(await opening, file));
};
const input = document.querySelector('#photos');
input.addEventListener('change', () => {
  take([...input.files]);
  // So that the same photo may be chosen again.
  input.value = '';
});
document.body.addEventListener('dragover', (event) => event.preventDefault());
document.body.addEventListener('drop', (event) => {
  event.preventDefault();
  take([...event.dataTransfer.files]);
});
document.body.addEventListener('paste', (event) => take([...event.clipboardData.files]));

await opening.catch(failed);
state.textContent = 'Ready. Photos never leave this device.';
document.body.dataset.ready = 'true';
`;
