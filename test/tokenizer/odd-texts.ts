/** Texts that a tokenizer gets wrong: hand-picked ones, and any number of composed ones from a seed. */
import { CODE_PAGES } from '../../lib/tokenizer/clean/code-pages';

const HAND_PICKED = [
  '',
  ' ',
  '\n\t\r\n \u3000\u2003',
  '👩‍👩‍👧‍👦 a family 🏳️‍🌈 and 🇩🇪 flags 👍🏽',
  'שלום עולם \u200f\u202btext\u202c',
  'مرحبا بالعالم، كيف الحال؟',
  'e\u0301clair Å\u030a n\u0303 \u1100\u1161\u11a8 각',
  'ＦＵＬＬ　ｗｉｄｔｈ ｶﾀｶﾅ ￥１００',
  'ﬂuﬃeﬆ ﬀ ﬁ ﬅ ĳ Ǆ ŉ',
  '“curly” ‘quotes’ ‚low‛ „double‟ it’s ʼ',
  'a\u0000b\u0007c\u001bd\u007fe\u0085f\u009bg\ufeffh\ufffci\u206aj',
  '\u001b[36;44mblue\u001b[0m \u001b[1A \u001b[٣m \u001b[;;K',
  '\ud800 lone \udfff and \udc00\ud800 swapped \ud83d\ude00',
  'schÃ¶n âœ” No problems',
  'voilÃ le travail, Ã la mode, Ã quel point, Ã s vezes, Ãquele',
  '“Mojibake“ can be fixed.',
  'â€œ like this â€� and â€™t',
  'Ã¢â‚¬Å“twiceÃ¢â‚¬Â\u009d',
  'ÃƒÂ¶ l\u00e2\u0080\u0099humanit\u00c3\u00a9',
  'The Mona Lisa doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t have eyebrows.',
  'РєРѕРЅС‚СЂРѕР»СЊ вЂ” ГўВЂВ™a',
  'Ξ±Ξ²Ξ³ β€™ ā€™',
  '√© ≈∞ ‚Äì ‚ÄúMac‚Äù',
  'â–€â–„ ╨í╨╡╤ü╤é ΓÇ£cp437ΓÇ¥',
  '&amp;amp;amp; &lt;b&gt; &copy &notit; &#8217; &#x1F600; &#xD800; &#0; &#x80; &#13; &#1; &#59; &#xfdd0; &#1114112;',
  '&EACUTE; &Eacute; &SZLIG; &nTILDE; &NTILDE; &NewLine;&Tab;x &hellip &ampamp; &AMP &#x; &#; &;',
  'this&not that <b>&eacute;</b> &eacute;',
  '<tag>\n&eacute;\n',
  '&eacute;\n<tag> &eacute;\n&eacute;',
  '&#65279;x&#133;y&#x85;z&#x1c;w&nbsp;v&zwnj;u&shy;t',
  '漢字 かな カナ 한글 中文，标点。',
  'a <start_of_text> b <end_of_text> c<START_OF_TEXT>d!<start_of_text>',
  '<|startoftext|> <|endoftext|>',
  "it's I'm you're we've he'll she'd DON'T IT'S 'sup ''s 'ſ 'S",
  '1234567890 3.14 ½ ² Ⅷ ① १२३ ٣',
  'İstanbul ΑΣ ΑΣ. ΣΑΣ Σ ǅ ß ẞ ŉ',
  'a\u0345b ᾳ ι\u0345 Ω K Å',
  'no-break\u00a0space thin\u2009space zero\u200bwidth word\u2060joiner\u180e',
  '!!!???...,,,---___ a,b;c:d (e) [f] {g} #tag @name $5 100% ^ ~ ` \\ / | < > = +',
  'constructor __proto__ toString hasOwnProperty',
  '\u{1d504}\u{1d4d0}\u{1f170} \u{e0067}\u{e007f} \u{10ffff}',
  'x\u001c\u001d\u001e\u001fy',
  'Æneid Œuvre œ œ1 Œ. à² ×²',
  'í\xa0\x80í\xb0\x80 \xed\xa0\xbd\xed\xb8\x80 \xc0\x80 Ã\x80',
  'caf\u00c3\u00a9 \u00c0\u0080 \u00e2\u0082\u00ac',
  'Ã\n',
  '\u00c3\u00a9\u00c0\n',
];

const SOUND = [
  'Ève Écarlate à la façon de Noël — où êtes-vous?',
  'Łódź Kraków žluťoučký kůň őűŐŰ Ştefan ğüşİı',
  'Ελληνικά γράμματα Ωμέγα ΐ',
  'Привет мир, контроль ё Ґ',
  'São Paulo às vezes àquele não €5 £3 ¥9 “quotes” ‘x’ … – — • ™ © ®',
  'Ąčęėįšųūž Āēīōū ķļņ',
  '日本語 テスト 漢字 한국어 😀 👍🏽 Å Å à Ñ ñ ¿Qué? ¡Sí!',
  'שלום مرحبا सुन्दर ไทย',
  'naïve café résumé piñata jalapeño Zoë Håkon Ørsted',
  '½ ¼ ² ³ ° ± × ÷ µ § ¶ ª º « » ¬ ¯ ´ ¸ ¨ ¦ ¤',
];

const PIECES = [
  ...SOUND.flatMap((text) => text.split(' ')),
  ...['a', 'B', 'the', ' ', '  ', '\n', '\t', ',', '.', '!?', "'s", "n't", '&', '&amp;', '&eacute', '&EACUTE;', '&#233;', '&#x2019;', '<'],
  ...['\u0301', '\u200d', '\ufe0f', '\u00a0', '\u00ad', '\u0085', '\u0091', '\u2028', '\ufffd', '\x1a', '?', '\ud83d', '\ude00', 'ﬁ', 'Ａ'],
  ...[
    'Ã',
    'Â',
    'â€',
    'â€™',
    'Ð',
    'Ã ',
    'Â ',
    'Œ',
    'œ',
    '°',
    'Ø§',
    'Ù„',
    'вЂ',
    'ā€',
    'β€',
    '√',
    '≈',
    '<start_of_text>',
    '1',
    '42',
    'Σ',
    'İ',
  ],
];

/** A small generator with a known sequence, so that a failing text can be found again. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The text's UTF-8 bytes read in a code page, as careless software does. */
function misread(text: string, pageIndex: number): string {
  const characters = [...(CODE_PAGES[pageIndex] as (typeof CODE_PAGES)[number]).bytes.keys()];
  return [...Buffer.from(text, 'utf8')].map((byte) => characters[byte]).join('');
}

export function oddTexts(count: number, seed: number): string[] {
  const next = random(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)] as Item;
  const texts = [...HAND_PICKED];
  for (const text of SOUND) {
    for (let page = 0; page < CODE_PAGES.length; page++) {
      texts.push(misread(text, page), misread(misread(text, page), page), misread(misread(text, page), 1));
      texts.push(misread(text, page).replaceAll('\u00a0', ' '), misread(text, page).replaceAll(/[\x80-\x9f]/g, '\ufffd'));
    }
  }
  while (texts.length < count) {
    const parts = Array.from({ length: 1 + Math.floor(next() * 7) }, () => {
      const piece = pick(PIECES);
      const kind = next();
      if (kind < 0.45) return piece;
      if (kind < 0.7) return misread(piece, Math.floor(next() * CODE_PAGES.length));
      if (kind < 0.8) return misread(misread(piece, 1), Math.floor(next() * CODE_PAGES.length));
      if (kind < 0.9) return piece.normalize(next() < 0.5 ? 'NFD' : 'NFKD');
      return String.fromCodePoint(0x20 + Math.floor(next() * (next() < 0.8 ? 0x2500 : 0x20000)));
    });
    texts.push(parts.join(next() < 0.5 ? '' : ' '));
  }
  return texts;
}
