import { byId } from './element.js';

/** Whether the page can show the camera itself; elsewhere the system's own camera is asked, as on phones. */
export const hasViewfinder = () =>
  'mediaDevices' in navigator && globalThis.isSecureContext && !matchMedia('(pointer: coarse)').matches;

/**
 * Shows the camera and gives the photo that is taken; undefined where it is closed without.
 *
 * @returns {Promise<File | undefined>}
 */
export async function takePhoto() {
  const dialog = byId('camera', HTMLDialogElement);
  const video = byId('viewfinder', HTMLVideoElement);
  const shoot = byId('shoot', HTMLButtonElement);
  const close = byId('camera-close', HTMLButtonElement);
  const problem = byId('camera-problem', HTMLParagraphElement);
  const ended = new AbortController();
  const { signal } = ended;
  problem.hidden = true;
  shoot.disabled = true;
  dialog.showModal();
  const start = async () => {
    try {
      if (!(await showCamera(video, signal))) return;
      shoot.disabled = false;
      shoot.focus();
    } catch {
      if (signal.aborted) return;
      problem.textContent = 'There is no camera, or this page may not use it.';
      problem.hidden = false;
    }
  };
  try {
    const result = new Promise(
      (/** @type {(photo: File | undefined | Promise<File | undefined>) => void} */ resolve) => {
        shoot.addEventListener('click', () => resolve(grab(video)), { signal });
        close.addEventListener('click', () => resolve(undefined), { signal });
        dialog.addEventListener('close', () => resolve(undefined), { signal });
      },
    );
    void start();
    return await result;
  } finally {
    ended.abort();
    dialog.close();
  }
}

/**
 * Shows the camera until the signal, which may come while the browser still asks whether it may: then it is not shown.
 *
 * @param {HTMLVideoElement} video
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} whether it is shown
 */
async function showCamera(video, signal) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
    if (video.srcObject === stream) video.srcObject = null;
  };
  if (signal.aborted) {
    stop();
    return false;
  }
  signal.addEventListener('abort', stop);
  video.srcObject = stream;
  await video.play();
  return !signal.aborted;
}

/**
 * @param {HTMLVideoElement} video
 * @returns {Promise<File | undefined>}
 */
async function grab(video) {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  const photo = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 });
  return new File([photo], 'photo.jpg', { type: photo.type });
}
