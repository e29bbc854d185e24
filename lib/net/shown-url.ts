const LONGEST = 300;

/** An address for messages: shortened, without name, password and query, where stores and services put keys and signatures. */
export function shownUrl(url: string | URL): string {
  if (!URL.canParse(String(url))) return 'the URL';
  const shown = new URL(url);
  // Its text is the data, which may be long, and private.
  if (shown.protocol === 'data:') return 'data:…';
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  const hasQuery = shown.search !== '';
  shown.search = '';
  const href = shown.href.length > LONGEST ? `${shown.href.slice(0, LONGEST)}…` : shown.href;
  return hasQuery ? `${href}?…` : href;
}
