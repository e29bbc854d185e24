/** Figures for Prometheus, under the names that text-embeddings-inference made usual, and our own beside them. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EngineStats } from '../../index';
import type { PictureCache } from '../pictures/cache';
import type { QueueCounts } from '../queue/device-queue';
import type { Times } from '../work/caller';
import type { Devices } from '../work/devices';

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];

export interface Watched {
  devices(): Devices | undefined;
  cache: PictureCache;
  inFlight(): number;
}

export class Metrics {
  readonly registry = new Registry();
  /** One for each who asks: what one has seen, the other has not. */
  private readonly delays = { metrics: new LoopDelay(), status: new LoopDelay() };
  private readonly requests = this.counter('te_request_count', 'Requests, by route.', ['route']);
  private readonly successes = this.counter('te_request_success', 'Requests that were answered with 2xx.', ['route']);
  private readonly failures = this.counter('te_request_failure', 'Requests that were not, by code.', ['err']);
  private readonly durations = {
    te_request_duration: this.histogram('te_request_duration', 'Seconds of a request, all of it.'),
    te_request_queue_duration: this.histogram('te_request_queue_duration', 'Seconds in line for the device.'),
    te_request_tokenization_duration: this.histogram('te_request_tokenization_duration', 'Seconds of tokenising texts by themselves.'),
    te_request_inference_duration: this.histogram('te_request_inference_duration', 'Seconds on the device, decoding for it included.'),
  };

  constructor(private readonly watched: Watched) {
    this.gauge('te_queue_size', 'Requests that wait for a device.', () => this.sum((counts) => counts.waiting));
    this.gauge('te_in_flight', 'Requests that are not answered yet.', () => watched.inFlight());
    this.total('te_request_refused', 'Requests that were refused with 429, since the start.', () => this.sum((counts) => counts.refused));
    this.gauge(
      'torch_interrogator_queue_wait_seconds',
      'Seconds of work that are ahead of a new request, the longest of all devices.',
      () => Math.max(0, ...this.lines.map(({ waitSeconds }) => waitSeconds)),
    );
    this.gauge('torch_interrogator_cache_bytes', 'Of the picture cache.', () => watched.cache.counts.bytes);
    this.total('torch_interrogator_cache_hits', 'Features and captions that were in it, since the start.', () => watched.cache.counts.hits);
    this.total('torch_interrogator_cache_misses', 'Those that were not.', () => watched.cache.counts.misses);
    this.gauge('torch_interrogator_event_loop_delay_p99_seconds', 'Since the last time that it was asked for.', () =>
      this.delays.metrics.take(),
    );
    this.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
    this.deviceGauge('te_batch_next_size', 'Images, captions and rankings of a batch on the device, the mean since the start.', (stats) =>
      stats.batches > 0 ? stats.batched / stats.batches : 0,
    );
    this.deviceGauge(
      'torch_interrogator_device_busy_seconds',
      'Seconds in which the device worked, since the start.',
      (stats) => stats.busySeconds,
    );
    this.deviceGauge('torch_interrogator_device_weight_bytes', 'Of the weights of open models.', (stats) => stats.weightBytes);
    this.deviceGauge(
      'torch_interrogator_device_allocated_bytes',
      "Given out by libtorch's allocator on a GPU.",
      (stats) => stats.allocatedBytes,
    );
    this.deviceGauge('torch_interrogator_device_jobs', 'Jobs that wait on the device, begun or not.', (stats) => stats.queued);
  }

  /** p99 of the time since the last call, in seconds. */
  eventLoopDelay(): number {
    return this.delays.status.take();
  }

  ended(route: string, seconds: number, times: Times, code: string | undefined): void {
    this.requests.inc({ route });
    if (code === undefined) this.successes.inc({ route });
    else this.failures.inc({ err: code });
    this.durations.te_request_duration.observe(seconds);
    if (times.inference === 0) return;
    this.durations.te_request_queue_duration.observe(times.queue);
    this.durations.te_request_tokenization_duration.observe(times.tokenization);
    this.durations.te_request_inference_duration.observe(times.inference);
  }

  close(): void {
    for (const delay of Object.values(this.delays)) delay.close();
  }

  /** A figure of a door before workers. */
  ofFleet(name: string, help: string, value: () => number): void {
    this.gauge(name, help, value);
  }

  private get lines(): readonly QueueCounts[] {
    return this.watched.devices()?.lines ?? [];
  }

  private sum(count: (counts: QueueCounts) => number): number {
    return this.lines.reduce((sum, counts) => sum + count(counts), 0);
  }

  private counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram(name: string, help: string): Histogram {
    return new Histogram({ name, help, buckets: SECONDS, registers: [this.registry] });
  }

  /** Of what only grows, and is counted elsewhere. */
  private total(name: string, help: string, value: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  }

  private gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }

  private deviceGauge(name: string, help: string, value: (stats: EngineStats['device']) => number): void {
    const devices = () => this.watched.devices()?.stats ?? [];
    new Gauge({
      name,
      help,
      labelNames: ['device'],
      registers: [this.registry],
      collect() {
        for (const stats of devices()) this.set({ device: stats.name }, value(stats));
      },
    });
  }
}

const RESOLUTION_MS = 10;

class LoopDelay {
  private readonly histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.histogram.enable();
  }

  /** p99 since the last time, in seconds. */
  take(): number {
    // The histogram counts its own timer, too.
    const delay = Math.max(0, this.histogram.percentile(99) / 1e9 - RESOLUTION_MS / 1000);
    this.histogram.reset();
    return Number.isFinite(delay) ? delay : 0;
  }

  close(): void {
    this.histogram.disable();
  }
}
