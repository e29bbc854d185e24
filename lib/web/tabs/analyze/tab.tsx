/** Analyze: what each table of terms says of a picture. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { TABLES } from '../../api/tables';
import { Choice } from '../../parts/choice';
import { Icon } from '../../parts/icon';
import { Picker } from '../../pictures/picker';
import { chosen, type Picture } from '../../pictures/pictures';
import { Preview } from '../../pictures/preview';
import { Strip } from '../../pictures/strip';
import { say } from '../../words/say';
import { chosenModels } from '../interrogate/asking/settings';
import { rankAll, ranksOf } from './ranks';
import { TableCard } from './table-card';

const DEPTHS = ['10', '50', '500'] as const;

export function AnalyzeTab() {
  const picture = chosen.value;
  return picture ? <Analysis picture={picture} /> : <Picker lead="analyze.lead" />;
}

function Analysis({ picture }: { picture: Picture }) {
  const search = useSignal('');
  const depth = useSignal<(typeof DEPTHS)[number]>('10');
  const tries = useSignal(0);
  useEffect(() => {
    const controller = new AbortController();
    rankAll(picture, controller.signal);
    return () => controller.abort();
  }, [picture, chosenModels.value.clip, tries.value]);
  const ranks = ranksOf(picture);
  const best = Math.max(0.01, ...TABLES.map((table) => ranks[table].value.terms[0]?.similarity ?? 0));
  return (
    <div class="workplace">
      <aside class="workplace-side">
        <Preview picture={picture} />
        <Strip />
      </aside>
      <section class="workplace-main stack">
        <div class="row wrap">
          <label class="search grow">
            <Icon name="search" />
            <input
              type="search"
              placeholder={say('analyze.search')}
              aria-label={say('analyze.search')}
              value={search.value}
              onInput={({ currentTarget }) => {
                search.value = currentTarget.value;
              }}
            />
          </label>
          <Choice
            label={say('analyze.depth')}
            value={depth.value}
            options={DEPTHS.map((value) => ({ value, text: say('analyze.top', { count: Number(value) }) }))}
            onChoose={(value) => {
              depth.value = value;
            }}
          />
        </div>
        <div class="tables">
          {TABLES.map((table) => (
            <TableCard
              key={table}
              picture={picture}
              table={table}
              most={best}
              search={search.value.trim()}
              depth={Number(depth.value)}
              onRetry={() => {
                tries.value += 1;
              }}
            />
          ))}
        </div>
      </section>
    </div>
  );
}
