/** Requests on the server: so many callers at a time, or so many requests a second. */
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { closedLoop } from '../traffic.mjs';

function fast(served, images, wishes) {
  const query = new URLSearchParams({ modes: 'fast', ...wishes });
  return (number) => served.ask(`/v1/interrogate?${query}`, { body: images[number % images.length], type: 'image/jpeg' });
}

/** Answered requests a second. */
export function saturate(served, images, wishes, traffic) {
  const ask = fast(served, images, wishes);
  return closedLoop(async (number) => {
    const { status, body } = await ask(number);
    if (status === 429) throw Object.assign(new Error(body.detail), { code: 'ERR_BUSY' });
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
  }, traffic);
}

/** `rate` requests a second, whatever becomes of the earlier ones. Latencies of those that were accepted and of those that were refused. */
export async function flood(served, images, wishes, { rate, seconds }) {
  const ask = fast(served, images, wishes);
  const [accepted, refused] = [createHistogram(), createHistogram()];
  const counts = { offered: 0, accepted: 0, refused: 0, failed: 0 };
  const one = async (number) => {
    const began = performance.now();
    const { status } = await ask(number).catch(() => ({ status: 0 }));
    const took = Math.max(1, Math.round((performance.now() - began) * 1e6));
    if (status === 200) {
      counts.accepted += 1;
      accepted.record(took);
    } else if (status === 429) {
      counts.refused += 1;
      refused.record(took);
    } else counts.failed += 1;
  };
  const began = performance.now();
  const calls = [];
  const total = Math.round(rate * seconds);
  for (; counts.offered < total; counts.offered += 1) {
    await sleep(Math.max(0, began + (counts.offered * 1000) / rate - performance.now()));
    calls.push(one(counts.offered));
  }
  await Promise.all(calls);
  const elapsed = (performance.now() - began) / 1000;
  return {
    ...counts,
    accepted_per_s: counts.accepted / elapsed,
    accepted_p50_s: accepted.percentile(50) / 1e9,
    accepted_p99_s: accepted.percentile(99) / 1e9,
    refused_p99_ms: refused.percentile(99) / 1e6,
    refused_most_ms: counts.refused > 0 ? refused.max / 1e6 : 0,
  };
}

/** A picture's features, asked for in each form that a picture can have. */
export const FORMS = {
  raw: (served, bytes) => served.ask('/v1/features', { body: bytes, type: 'image/jpeg' }),
  multipart: (served, bytes) => {
    const boundary = 'x'.repeat(32);
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="image"; filename="a.jpg"\r\ncontent-type: image/jpeg\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]);
    return served.ask('/v1/features', { body, type: `multipart/form-data; boundary=${boundary}` });
  },
  base64: (served, bytes) => served.ask('/v1/features', { body: { image: bytes.toString('base64') } }),
};
