/** Spans for OpenTelemetry, where the program has its API: decode, queue, caption, image tower, chain. */
import type { Span } from '@opentelemetry/api';
import { NO_TRACE, type Trace } from '../work/caller';

type Api = typeof import('@opentelemetry/api');

let api: Api | null | undefined;

function opentelemetry(): Api | null {
  if (api !== undefined) return api;
  try {
    api = require('@opentelemetry/api') as Api;
  } catch {
    // An optional peer: without it there are no spans.
    api = null;
  }
  return api;
}

/** Children of the span that is active now, one after the other. */
export function traceOf(): Trace {
  const found = opentelemetry();
  if (!found) return NO_TRACE;
  const tracer = found.trace.getTracer('torch-interrogator');
  const parent = found.context.active();
  let span: Span | undefined;
  let name: string | undefined;
  return {
    now: (stage) => {
      if (stage === name) return;
      span?.end();
      name = stage;
      span = stage === undefined ? undefined : tracer.startSpan(stage, {}, parent);
    },
  };
}
