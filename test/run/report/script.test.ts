/** The page's script, in a context with as much of a document as it uses. */
import vm from 'node:vm';
import { DomUtils, parseDocument } from 'htmlparser2';
import { cardHtml } from '../../../lib/run/report/page';
import { type PageRow, PageTerms, pageRowOf } from '../../../lib/run/report/page-row';
import { SCRIPT } from '../../../lib/run/report/script';
import { CARD_SCRIPT } from '../../../lib/run/report/script/card-script';
import { ROWS_SCRIPT } from '../../../lib/run/report/script/rows-script';
import { Random } from '../../fuzz/support/random';
import { randomRow } from './page-rows';

/** An element: its name, its attributes, and what is in it. */
type Tree = string | [name: string, attributes: Record<string, string>, children: Tree[]];

class FakeElement {
  readonly attributes: Record<string, string> = {};
  readonly children: (FakeElement | string)[] = [];
  constructor(readonly name: string) {}
  setAttribute(key: string, value: unknown): void {
    this.attributes[key] = String(value);
  }
  append(...children: unknown[]): void {
    // As browsers do with what is no element.
    this.children.push(...children.map((child) => (child instanceof FakeElement ? child : String(child))));
  }
  get tree(): Tree {
    return [this.name, this.attributes, this.children.map((child) => (child instanceof FakeElement ? child.tree : child))];
  }
}

function treeOf(node: ReturnType<typeof parseDocument>['children'][number]): Tree {
  if (DomUtils.isText(node)) return node.data;
  if (!DomUtils.isTag(node)) throw new Error(`no element: ${node.type}`);
  return [node.name, { ...node.attribs }, node.children.map(treeOf)];
}

function run<T>(script: string, expression: string, globals: object = {}): T {
  const context = vm.createContext({ ...globals });
  return vm.runInContext(`'use strict';${script}\n${expression}`, context) as T;
}

test('is a script, and has nothing that would end its element', () => {
  expect(() => new vm.Script(SCRIPT)).not.toThrow();
  expect(SCRIPT).not.toMatch(/<\/script|<!--/i);
});

test('makes the cards that stand in the page', () => {
  const document = { createElement: (name: string) => new FakeElement(name) };
  const card = run<(row: PageRow, terms: string[]) => FakeElement>(CARD_SCRIPT, 'card', { document });
  const terms = new PageTerms();
  for (let i = 0; i < 300; i += 1) {
    const random = new Random(5, i);
    const row = {
      ...pageRowOf(randomRow(random), terms, { isBrief: random.chance(0.3) }),
      ...(random.chance(0.5) && { thumbnail: 'data:image/jpeg;base64,AAAA' }),
    };
    const [parsed] = parseDocument(cardHtml(row, terms.list)).children;
    expect(card(JSON.parse(JSON.stringify(row)), terms.list).tree).toEqual(treeOf(parsed as never));
  }
});

describe('finding rows', () => {
  const find = run<(page: object, query: string, order: string) => number[]>(ROWS_SCRIPT, 'findRows');
  const terms = ['Oil Painting', 'pencil'];
  const rows: PageRow[] = [
    { name: 'b10.png', similarity: 0.2, texts: ['Prompt', 'a red apple'], bars: [0, 0, 0.2] },
    { name: 'b9.png', similarity: 0.4, texts: ['Prompt', 'a green apple', 'Negative prompt', 'red'], bars: [0, 1, 0.2] },
    { name: 'a.png', error: ['ERR_IO', 'gone'] },
    { name: 'C.png', similarity: -0.1, texts: ['Prompt', 'a pear'] },
  ];
  const page = { rows, terms };

  test.each<[query: string, found: number[]]>([
    ['', [0, 1, 2, 3]],
    ['APPLE', [0, 1]],
    ['  red   apple ', [0, 1]],
    ['green red', [1]],
    ['oil', [0]],
    ['err_io', [2]],
    ['prompt', []],
    ['c.png', [3]],
  ])('%j', (query, found) => expect([...find(page, query, 'run')]).toEqual(found));

  test.each<[order: string, found: number[]]>([
    ['run', [0, 1, 2, 3]],
    ['name', [2, 1, 0, 3]],
    ['best', [1, 0, 3, 2]],
    ['worst', [3, 0, 1, 2]],
  ])('in the order %s', (order, found) => expect([...find(page, '', order)]).toEqual(found));
});
