/** What was asked about each picture in each mode, and what came of it. */
import { type Signal, signal as signalOf } from '@preact/signals';
import type { InterrogateAnswer, ProgressData } from '../../../../server/contract/interrogate';
import { interrogate } from '../../../api/interrogate';
import { patiently } from '../../../api/patiently';
import { type RequestError, shownError } from '../../../api/request';
import type { Picture } from '../../../pictures/pictures';
import { remember } from '../history/history';
import { growth, type LivePrompt } from './live-prompt';
import { fieldsOf, MODES, type Mode } from './settings';

export interface Ask {
  state: 'never' | 'running' | 'done' | 'failed';
  /** What was asked last, as text: the same question is not asked twice. */
  question: string;
  progress: ProgressData | null;
  /** The prompt of a chain that is under way. */
  live: LivePrompt | null;
  /** The last good answer; while another is under way it is still there. */
  answer: InterrogateAnswer | null;
  error: RequestError | null;
}

const NEVER: Ask = { state: 'never', question: '', progress: null, live: null, answer: null, error: null };

interface PictureAsks {
  modes: Record<Mode, Signal<Ask>>;
  /** Given by the reader instead of a caption model's. */
  caption: Signal<string | null>;
}

const known = new WeakMap<Picture, PictureAsks>();
const running = new WeakMap<Signal<Ask>, AbortController>();

export function asksOf(picture: Picture): PictureAsks {
  const there = known.get(picture);
  if (there) return there;
  const made = {
    modes: Object.fromEntries(MODES.map((mode) => [mode, signalOf(NEVER)])) as Record<Mode, Signal<Ask>>,
    caption: signalOf(null),
  };
  known.set(picture, made);
  return made;
}

/** The question that the settings ask now; it changes with them. */
export function questionOf(picture: Picture, mode: Mode): string {
  return JSON.stringify(fieldsOf(mode, asksOf(picture).caption.value));
}

/** Asks, unless the same was asked and not in vain. What is under way for an earlier question is cancelled. Resolves when it has ended. */
export async function ask(picture: Picture, mode: Mode): Promise<Ask> {
  const { modes, caption } = asksOf(picture);
  const state = modes[mode];
  const fields = fieldsOf(mode, caption.peek());
  const question = JSON.stringify(fields);
  const before = state.peek();
  if (before.question === question && (before.state === 'running' || before.state === 'done')) return before;
  running.get(state)?.abort();
  const controller = new AbortController();
  running.set(state, controller);
  const isCurrent = () => running.get(state) === controller;
  state.value = { ...before, state: 'running', question, progress: null, live: null, error: null };
  try {
    const onProgress = (progress: ProgressData) => {
      if (isCurrent()) state.value = { ...state.peek(), progress, live: growth(state.peek().live, progress) };
    };
    const { signal } = controller;
    // A server that still loads its models, or that has too much to do, says when to come again.
    const answer = await patiently(() => interrogate(picture, fields, { signal, onProgress }), {
      signal,
      onWait: (seconds) => onProgress({ stage: 'queue', done: 0, total: 0, seconds }),
    });
    if (!isCurrent()) return state.peek();
    state.value = { ...NEVER, state: 'done', question, answer };
    remember(picture, answer);
  } catch (error) {
    if (!isCurrent()) return state.peek();
    const shown = shownError(error);
    const { live, answer } = state.peek();
    state.value = { ...NEVER, state: shown ? 'failed' : 'never', question, live: shown ? live : null, answer, error: shown };
  }
  return state.peek();
}

/** Stops what is under way; the server stops too. */
export function stop(picture: Picture, mode: Mode): void {
  running.get(asksOf(picture).modes[mode])?.abort();
}
