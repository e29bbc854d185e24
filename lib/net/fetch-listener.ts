/** What is being done, and the bytes so far and in all; 0 where they are not known. */
export type FetchListener = (title: string, done: number, total: number) => void;
