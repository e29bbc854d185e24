/** How far a run is, in one line for a person. */
import type { RunProgress } from '../../index';

const FULL = '█';
const EMPTY = '░';

/** At most `columns` wide, so that no terminal wraps it; with a bar where there is room for one. */
export function progressLine(progress: RunProgress, columns: number): string {
  const { stage, total } = progress;
  const ended = endedOf(progress);
  const text = progressText(progress, columns);
  const room = Math.min(40, columns - text.length - 2);
  if (total === null || total === 0 || room < 8 || (ended === 0 && stage)) return text;
  const full = Math.round((Math.min(ended, total) / total) * room);
  return `${FULL.repeat(full)}${EMPTY.repeat(room - full)} ${text}`;
}

/** The same without a bar. */
export function progressText(progress: RunProgress, columns: number): string {
  const { stage, total, kept, failed, skipped, rate, secondsLeft, devices } = progress;
  const ended = endedOf(progress);
  if (ended === 0 && stage) return fit([`${stageText(stage.stage)} ${count(stage.done)}/${count(stage.total)}`], columns);
  const parts = [
    total === null ? `${count(ended)} pictures` : `${count(ended)}/${count(total)}`,
    failed > 0 && `${count(failed)} failed`,
    skipped > 0 && `${count(skipped)} skipped`,
    kept > 0 && `${count(kept)} known`,
    rate > 0 && rateText(rate),
    secondsLeft !== null && secondsLeft > 0 && `${durationText(secondsLeft)} left`,
    devices.join(' '),
  ].filter((part): part is string => Boolean(part));
  return fit(parts, columns);
}

function endedOf({ done, kept, failed, skipped }: RunProgress): number {
  return done + kept + failed + skipped;
}

/** Those of the parts that there is room for, the first before all. */
function fit(parts: readonly string[], columns: number): string {
  let text = '';
  for (const part of parts) {
    const longer = text === '' ? part : `${text} · ${part}`;
    if (longer.length <= columns) text = longer;
    else if (text === '') return part.slice(0, columns);
  }
  return text;
}

function stageText(stage: string): string {
  if (stage === 'load') return 'Loading models';
  if (stage.startsWith('labels ')) return `Embedding ${stage.slice(7)}`;
  return stage.replace(/^./, (letter) => letter.toUpperCase());
}

/** `12,345`. */
export function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** `14.2/s`, or of slow ones `12/min`. */
export function rateText(rate: number): string {
  if (rate >= 100) return `${Math.round(rate)}/s`;
  return rate >= 1 ? `${rate.toFixed(1)}/s` : `${(rate * 60).toFixed(1)}/min`;
}

/** `0:07`, `12:34`, `5:06:07`, `2 d 3 h`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (number: number): string => String(number).padStart(2, '0');
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
