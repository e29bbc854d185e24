/** What a worker tells of. */
export interface WorkerEvent {
  event: 'run' | 'refused' | 'shard' | 'merged' | 'given back' | 'failed' | 'lost lock' | 'not told' | 'left' | 'forgotten';
  run: string;
  shard?: number;
  message?: string;
  [more: string]: unknown;
}
