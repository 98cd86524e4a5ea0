/** The page's program: it classifies photos on the device that shows it. */
export const WEB_SCRIPT = `import * as ort from './ort.webgpu.bundle.min.mjs';

const TOP = 5;
const state = document.querySelector('#state');
const results = document.querySelector('#results');
const template = document.querySelector('#result');
const about = await (await fetch('model.json')).json();
const [height, width] = about.size;

// More threads need headers that a plain file server doesn't send.
ort.env.wasm.numThreads = 1;

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

function show(item, probabilities, milliseconds) {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const [best] = order;
  const sure = probabilities[best] >= 0.5;
  item.querySelector('.verdict').textContent = sure ? about.classes[best] : 'Not sure: perhaps ' + about.classes[best];
  item.querySelector('.time').textContent = Math.round(milliseconds) + ' ms on this device';
  item.dataset.probabilities = JSON.stringify(probabilities);
  item.querySelector('ol').replaceChildren(
    ...order.slice(0, TOP).map((index) => {
      const row = document.createElement('li');
      const percent = (100 * probabilities[index]).toFixed(1) + ' %';
      const meter = document.createElement('meter');
      meter.value = probabilities[index];
      meter.setAttribute('aria-label', about.classes[index]);
      const text = document.createElement('span');
      text.textContent = about.classes[index] + ' ' + percent;
      row.append(text, meter);
      return row;
    }),
  );
  item.dataset.done = 'true';
}

try {
  const session = await openSession();
  state.textContent = 'Ready. Photos never leave this device.';
  document.body.dataset.ready = 'true';
  // One after the other: a session runs one batch at a time.
  let last = Promise.resolve();
  const take = (files) => {
    for (const file of files) last = last.then(() => classify(session, file));
  };
  const input = document.querySelector('#photos');
  input.disabled = false;
  input.addEventListener('change', () => take([...input.files]));
  document.body.addEventListener('dragover', (event) => event.preventDefault());
  document.body.addEventListener('drop', (event) => {
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
  document.body.addEventListener('paste', (event) => take([...event.clipboardData.files]));
} catch (error) {
  state.textContent = 'The model could not be loaded: ' + error.message;
  throw error;
}
`;
