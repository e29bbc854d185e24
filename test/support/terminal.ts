const own = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');

/** Says whether stderr is a terminal. All test files of a jest worker share the stream: put it back. */
export const setTerminal = (isTTY: boolean): void =>
  void Object.defineProperty(process.stderr, 'isTTY', { value: isTTY, configurable: true, writable: true });

export function restoreTerminal(): void {
  if (own === undefined) Reflect.deleteProperty(process.stderr, 'isTTY');
  else Object.defineProperty(process.stderr, 'isTTY', own);
}
