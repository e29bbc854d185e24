/** Where terms are typed, pasted, uploaded, or suggested by a table. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Table } from '../../../server/contract/tables';
import { type RequestError, shownError } from '../../api/request';
import { tableNameOf, tables, uploadTable } from '../../api/tables';
import { Icon } from '../../parts/icon';
import { ErrorNotice } from '../../parts/notice';
import { Progress } from '../../parts/progress';
import { type Picture, pictures } from '../../pictures/pictures';
import { say } from '../../words/say';
import { suggest } from './filling';
import { addTerms, draft, template, terms } from './sheet';

/** A longer list becomes a table of the server, of which the best terms come into the sheet. */
const MOST_AS_TERMS = 200;
const SUGGESTED = 12;
/** More pictures than that say nothing new about which terms fit. */
const ASKED = 8;

export function TermInput() {
  const file = useRef<HTMLInputElement>(null);
  const known = useSignal<readonly Table[]>([]);
  const table = useSignal('flavors');
  const work = useSignal<{ text: string; share: number | null } | null>(null);
  const error = useSignal<RequestError | null>(null);
  const refresh = async () => {
    try {
      known.value = await tables();
    } catch {
      // The field for terms works without the list of tables.
    }
  };
  useEffect(() => {
    refresh();
  }, []);
  const attempt = async (text: string, task: () => Promise<void>) => {
    error.value = null;
    work.value = { text, share: null };
    try {
      await task();
    } catch (cause) {
      error.value = shownError(cause);
    }
    work.value = null;
  };
  const take = (name: string) =>
    attempt(say('rank.suggesting'), async () => {
      const found = await suggest(name, sampleOf(pictures.value), SUGGESTED);
      addTerms(found.slice(0, SUGGESTED).join('\n'));
    });
  const upload = (list: File) =>
    attempt(say('rank.uploading', { name: list.name }), async () => {
      const lines = (await list.text()).split(/\r?\n/).filter((line) => line.trim() !== '');
      if (lines.length <= MOST_AS_TERMS) {
        addTerms(lines.join('\n'));
        return;
      }
      const name = tableNameOf(list.name);
      await uploadTable(name, lines.join('\n'), {
        onProgress: ({ done, total }) => {
          work.value = { text: say('rank.uploading', { name: list.name }), share: total > 0 ? done / total : null };
        },
      });
      await refresh();
      table.value = name;
      await take(name);
    });
  return (
    <div class="stack small-gap">
      <form
        class="row wrap"
        onSubmit={(event) => {
          event.preventDefault();
          addTerms(draft.value);
          draft.value = '';
        }}
      >
        <input
          class="grow large"
          placeholder={say('rank.type')}
          aria-label={say('rank.type')}
          value={draft.value}
          onInput={({ currentTarget }) => {
            draft.value = currentTarget.value;
          }}
          onPaste={(event) => {
            const text = event.clipboardData?.getData('text') ?? '';
            if (!/[\n,;]/.test(text.trim())) return;
            event.preventDefault();
            addTerms(text);
          }}
        />
        <button type="submit" class="button primary" disabled={draft.value.trim() === ''}>
          <Icon name="plus" /> {say('rank.add')}
        </button>
        <input
          ref={file}
          type="file"
          accept=".txt,.csv,text/plain"
          hidden
          data-testid="list"
          onChange={({ currentTarget }) => {
            const [list] = currentTarget.files ?? [];
            if (list) upload(list);
            currentTarget.value = '';
          }}
        />
        <button type="button" class="button" onClick={() => file.current?.click()}>
          <Icon name="list" /> {say('rank.upload')}
        </button>
      </form>
      <div class="row wrap small">
        {pictures.value.length > 0 && (
          <>
            <select
              class="compact"
              aria-label={say('rank.table')}
              value={table.value}
              onChange={({ currentTarget }) => {
                table.value = currentTarget.value;
              }}
            >
              {known.value.map(({ name, count }) => (
                <option key={name} value={name}>
                  {say('rank.tableOf', { name, count })}
                </option>
              ))}
            </select>
            <button type="button" class="button quiet" onClick={() => take(table.value)} disabled={work.value !== null}>
              {say('rank.suggest')}
            </button>
          </>
        )}
        <label class="row tiny-gap muted">
          {say('rank.template')}
          <input
            class="compact"
            value={template.value}
            spellcheck={false}
            onInput={({ currentTarget }) => {
              template.value = currentTarget.value;
            }}
          />
        </label>
        <span class="grow" />
        {terms.value.length > 0 && (
          <button
            type="button"
            class="button quiet"
            onClick={() => {
              terms.value = [];
            }}
          >
            <Icon name="trash" /> {say('rank.clear')}
          </button>
        )}
      </div>
      {work.value && <Progress share={work.value.share} label={work.value.text} />}
      {error.value && <ErrorNotice error={error.value} />}
    </div>
  );
}

/** A few, from the whole list. */
function sampleOf(list: readonly Picture[]): readonly Picture[] {
  const every = Math.max(1, Math.floor(list.length / ASKED));
  return list.filter((_, i) => i % every === 0).slice(0, ASKED);
}
