/** What the page cannot show elsewhere: its keys, and where programs look. */
import { say } from '../words/say';
import { offered } from './route';

export function Footer() {
  return (
    <footer class="footer muted small">
      <span class="footer-keys">
        <kbd>1</kbd>–<kbd>{offered.value.length}</kbd> {say('keys.tabs')} · <kbd>[</kbd> <kbd>]</kbd> {say('keys.pictures')}
      </span>
      <a href={new URL('docs/', document.baseURI).href}>{say('footer.api')}</a>
      <a href={new URL('openapi.json', document.baseURI).href}>OpenAPI</a>
    </footer>
  );
}
