/** Bytes, durations and similarities in words of the chosen language. */
import { language } from './say';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

/** '1.7 GB'. Decimal units, as download sizes are given. */
export function bytesText(bytes: number): string {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** step;
  const maximumFractionDigits = step > 0 && value < 10 ? 1 : 0;
  return value.toLocaleString(language.value, { style: 'unit', unit: UNITS[step], unitDisplay: 'short', maximumFractionDigits });
}

/** '0.3 s', '12 s', '5 min', '3 h'. */
export function secondsText(seconds: number): string {
  const [value, unit] = seconds < 100 ? [seconds, 'second'] : seconds < 6000 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour'];
  const maximumFractionDigits = unit === 'second' && value >= 10 ? 0 : 1;
  return value.toLocaleString(language.value, { style: 'unit', unit: unit as string, unitDisplay: 'narrow', maximumFractionDigits });
}

/** '0.218'. */
export function similarityText(similarity: number, digits = 3): string {
  return similarity.toLocaleString(language.value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** '+0.012': what a similarity rose or fell by. */
export function gainText(gain: number): string {
  return gain.toLocaleString(language.value, { minimumFractionDigits: 3, maximumFractionDigits: 3, signDisplay: 'exceptZero' });
}
