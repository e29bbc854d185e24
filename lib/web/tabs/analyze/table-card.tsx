/** One table's terms as bars. */
import { useEffect, useState } from 'preact/hooks';
import type { TableName } from '../../api/tables';
import { Bar } from '../../parts/bar';
import { CopyButton } from '../../parts/copy-button';
import { ErrorNotice } from '../../parts/notice';
import { Progress } from '../../parts/progress';
import type { Picture } from '../../pictures/pictures';
import { similarityText } from '../../words/amounts';
import { say } from '../../words/say';
import { ranksOf, searchDeeper, type Term } from './ranks';

const PAUSE_MS = 200;

export interface TableCardProps {
  picture: Picture;
  table: TableName;
  /** The best similarity of all tables, which has the longest bar. */
  most: number;
  search: string;
  depth: number;
  onRetry: () => void;
}

export function TableCard({ picture, table, most, search, depth, onRetry }: TableCardProps) {
  const { terms, isWaiting, error } = ranksOf(picture)[table].value;
  const deeper = useDeeper({ picture, table, search, isReady: terms.length > 0 });
  const matching = search === '' ? terms : terms.filter(({ label }) => label.toLowerCase().includes(search.toLowerCase()));
  const shown = [...matching.slice(0, depth), ...deeper];
  return (
    <section class="card table-card">
      <header class="row">
        <h2 class="grow">{say(`table.${table}`)}</h2>
        {terms.length > 0 && <CopyButton text={shown.map(({ label }) => label).join(', ')} look="icon" />}
      </header>
      {isWaiting && <Progress share={null} label={say('stage.rank')} />}
      {error && <ErrorNotice error={error} onRetry={onRetry} />}
      {!isWaiting && !error && shown.length === 0 && <p class="muted">{say('analyze.nothing')}</p>}
      <ol class="ranked">
        {shown.map((term) => (
          <TermLine key={term.label} term={term} most={most} />
        ))}
      </ol>
    </section>
  );
}

function TermLine({ term: { label, similarity, place }, most }: { term: Term; most: number }) {
  return (
    <li>
      <span class="place">{place ?? '…'}</span>
      <span class="label" title={label}>
        {label}
      </span>
      <Bar share={similarity / most} tone={place === null ? 'quiet' : 'accent'} />
      <span class="number">{similarityText(similarity)}</span>
    </li>
  );
}

/** What a search finds below the terms that are known. */
function useDeeper({
  picture,
  table,
  search,
  isReady,
}: {
  picture: Picture;
  table: TableName;
  search: string;
  isReady: boolean;
}): readonly Term[] {
  const [found, setFound] = useState<readonly Term[]>([]);
  useEffect(() => {
    setFound([]);
    if (search.length < 2 || !isReady) return;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      // What is shown already stays useful where this fails.
      searchDeeper(picture, table, { text: search, abort: controller.signal }).then(setFound, () => undefined);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [picture, table, search, isReady]);
  return found;
}
