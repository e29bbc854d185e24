/** A picture's row, of what the ledger's line says of it. */
import type { RunTask } from '../options';
import type { Picture } from '../picture';
import type { Row, RowError, RowText } from '../row';
import { type Examination, NAME_MARK } from './examine';
import type { Plan } from './keys';

/** Before the rules for words. */
export function rowOf(picture: Picture, { line, features }: Examination, task: RunTask, plan: Plan): Row {
  const { name, file, root } = picture;
  const { original: sha256 = line.sha256 } = line;
  const { width, height, truncated } = line.results?.[plan.decoding.key] ?? {};
  const row: Row = {
    name,
    ...(file && { file }),
    ...(root && { root }),
    ...(sha256 !== null && { sha256 }),
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(truncated && { truncated }),
  };
  const of = (key: string) => line.results?.[key];
  if (task.kind === 'features') return features ? { ...row, features } : { ...row, error: errorOf(name, line.errors, [plan.features.key]) };
  if (plan.rank) {
    const ranked = of(plan.rank.key)?.ranked;
    return ranked ? { ...row, ranked } : { ...row, error: errorOf(name, line.errors, [plan.rank.key]) };
  }
  const texts: RowText[] = [];
  for (const [i, { mode, key }] of plan.modes.entries()) {
    const { text } = of(key) ?? {};
    const similarity = of(plan.similarities[i]?.key ?? '')?.similarity;
    const isWhole = plan.similarities.length === 0 || similarity !== undefined;
    if (text !== undefined && isWhole) texts.push({ mode, text, original: text, ...(similarity !== undefined && { similarity }) });
  }
  const keys = [...plan.modes, ...plan.similarities].map(({ key }) => key);
  if (texts.length < plan.modes.length) return { ...row, error: errorOf(name, line.errors, keys) };
  const caption = task.kind === 'interrogate' && task.caption ? task.caption : plan.caption && of(plan.caption.key)?.text;
  const terms = plan.terms && of(plan.terms.key)?.terms;
  return { ...row, texts, ...(caption !== undefined && { caption }), ...(terms && { terms }) };
}

function errorOf(name: string, errors: Readonly<Record<string, RowError>> = {}, keys: readonly string[]): RowError {
  const error = keys.map((each) => errors[each]).find((each) => each !== undefined);
  if (!error) return { code: 'ERR_RUNTIME', message: `${name} came to no result.` };
  return { ...error, message: error.message.replaceAll(NAME_MARK, () => name) };
}
