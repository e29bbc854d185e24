/** What is wrong with a page for those who do not see it, or see it on a small screen. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What axe has against the page as it is, a line each. */
export async function faults(page: Page): Promise<string[]> {
  // The security policy allows no script of ours in the document; what the debugger runs is not under it.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate(`axe.run(document, { resultTypes: ['violations'] })`)) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`));
}

/** Whether something sticks out, so that the whole page could be pushed sideways. */
export function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate(`document.documentElement.scrollWidth > document.documentElement.clientWidth`);
}
