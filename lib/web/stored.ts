/** Small settings that outlive the page, in the browser's own storage. */
import { effect, type Signal, signal } from '@preact/signals';

/** A signal that localStorage keeps under `name`. It begins as `initial` where nothing (readable) is kept, or where storage is refused. */
export function stored<T>(name: string, initial: T, storage = () => localStorage): Signal<T> {
  const key = `torch-interrogator.${name}`;
  const kept = signal(read(key, initial, storage));
  effect(() => {
    try {
      storage().setItem(key, JSON.stringify(kept.value));
    } catch {
      // Private windows and full disks refuse: then the setting lasts as long as the page.
    }
  });
  return kept;
}

function read<T>(key: string, initial: T, storage: () => Storage): T {
  try {
    const text = storage().getItem(key);
    if (text === null) return initial;
    const value: unknown = JSON.parse(text);
    return isRecord(initial) && isRecord(value) ? { ...initial, ...value } : (value as T);
  } catch {
    return initial;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
