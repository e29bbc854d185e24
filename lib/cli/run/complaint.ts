/** A picture that failed, as a person reads it on stderr. */
import type { Row, RowError } from '../../index';
import { describeRecord } from '../failure';
import { onOneLine } from '../lines';

/** Every line begins with the picture. */
export function complain({ name, error }: Row): void {
  for (const line of describeRecord(error as RowError).split('\n')) console.error(`${onOneLine(name)}: ${line}`);
}
