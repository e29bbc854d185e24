/** Pictures that are dropped or pasted anywhere on the page. */
import { signal } from '@preact/signals';
import { addAddress, addFiles } from './pictures';

/** Something that may be a picture is held over the page. */
export const isDraggedOver = signal(false);

export function acceptPicturesAnywhere(): void {
  let depth = 0;
  const holdsFiles = (event: DragEvent) =>
    [...(event.dataTransfer?.types ?? [])].some((type) => type === 'Files' || type === 'text/uri-list');
  const enter = (by: number) => (event: DragEvent) => {
    if (!holdsFiles(event)) return;
    depth = Math.max(0, depth + by);
    isDraggedOver.value = depth > 0;
  };
  addEventListener('dragenter', enter(1));
  addEventListener('dragleave', enter(-1));
  addEventListener('dragover', (event) => {
    if (holdsFiles(event)) event.preventDefault();
  });
  addEventListener('drop', (event) => {
    depth = 0;
    isDraggedOver.value = false;
    if (!event.dataTransfer || !holdsFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length > 0) addFiles(event.dataTransfer.files);
    else addText(event.dataTransfer.getData('text/uri-list'));
  });
  addEventListener('paste', (event) => {
    const files = event.clipboardData?.files;
    if (files && files.length > 0) {
      event.preventDefault();
      addFiles(files);
      return;
    }
    if (!isTyping(event.target)) addText(event.clipboardData?.getData('text') ?? '');
  });
}

/** Keys and pasted text belong to what is being written. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function addText(text: string): void {
  const address = text.trim().split(/\s/)[0] ?? '';
  if (/^https?:\/\//i.test(address) && URL.canParse(address)) addAddress(address);
}
