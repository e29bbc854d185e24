/** Keys of the whole page: 1 … 5 for the tabs, brackets for the picture before and behind. */
import { isTyping } from '../pictures/anywhere';
import { step } from '../pictures/pictures';
import { go, offered } from './route';

/** Gives the function that stops listening. */
export function listenToKeys(): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === '[') step(-1);
    if (event.key === ']') step(1);
    const wanted = offered.value[Number(event.key) - 1];
    if (wanted) go(wanted);
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}
