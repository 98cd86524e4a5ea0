import { hasViewfinder, takePhoto } from './camera.js';
import { byId } from './element.js';

/**
 * Listens on all ways that photos come in: chosen, taken, dropped, pasted, or by address.
 *
 * @param {{ onFiles: (files: readonly File[]) => void, onUrl: (url: string) => void }} handlers
 */
export function openIntake({ onFiles, onUrl }) {
  const files = byId('files', HTMLInputElement);
  const capture = byId('capture', HTMLInputElement);
  byId('choose', HTMLButtonElement).addEventListener('click', () => files.click());
  byId('take', HTMLButtonElement).addEventListener('click', () => {
    if (hasViewfinder()) void takePhoto().then((photo) => photo !== undefined && onFiles([photo]));
    else capture.click();
  });
  for (const input of [files, capture]) {
    input.addEventListener('change', () => {
      onFiles([...(input.files ?? [])]);
      // The same photo may be chosen again.
      input.value = '';
    });
  }
  byId('address', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const url = byId('url', HTMLInputElement);
    onUrl(url.value.trim());
    url.value = '';
  });
  openDrop(onFiles, onUrl);
  document.addEventListener('paste', (event) => {
    const inField = event.target instanceof HTMLInputElement;
    if (take(event.clipboardData, onFiles, inField ? () => false : takeUrl(onUrl))) event.preventDefault();
  });
}

/**
 * @param {(files: readonly File[]) => void} onFiles
 * @param {(url: string) => void} onUrl
 */
function openDrop(onFiles, onUrl) {
  // Entering a child leaves its parent, so that entries are counted.
  let depth = 0;
  const show = () => document.body.classList.toggle('dropping', depth > 0);
  document.addEventListener('dragenter', (event) => {
    event.preventDefault();
    depth++;
    show();
  });
  document.addEventListener('dragleave', () => {
    depth = Math.max(0, depth - 1);
    show();
  });
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    depth = 0;
    show();
    take(event.dataTransfer, onFiles, takeUrl(onUrl));
  });
}

/**
 * @param {DataTransfer | null} transfer
 * @param {(files: readonly File[]) => void} onFiles
 * @param {(text: string) => boolean} onText
 * @returns {boolean} whether there was something to take
 */
function take(transfer, onFiles, onText) {
  if (transfer === null) return false;
  if (transfer.files.length > 0) {
    onFiles([...transfer.files]);
    return true;
  }
  return onText(transfer.getData('text/uri-list') || transfer.getData('text/plain'));
}

/** @param {(url: string) => void} onUrl */
function takeUrl(onUrl) {
  return (/** @type {string} */ text) => {
    const urls = text.split(/\s+/).filter((word) => /^https?:\/\//i.test(word));
    for (const url of urls) onUrl(url);
    return urls.length > 0;
  };
}
