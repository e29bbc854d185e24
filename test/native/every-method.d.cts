// biome-ignore lint/suspicious/noExplicitAny: handles by name, and arguments that do not fit
type Anything = any;
type Handles = Record<string, Anything>;
type Folders = { clip: string; caption: string };

export const METHODS: Record<string, (handles: Handles) => unknown[]>;
export function openAll(binding: unknown, folders: Folders): Promise<Handles>;
export function outcome(handles: Handles, name: string, args: unknown[]): Promise<unknown>;
export function tryWrongArguments(handles: Handles, name: string): Promise<{ tried: number; faults: string[] }>;
