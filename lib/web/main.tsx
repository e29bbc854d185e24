/** The page: what the document loads. */
import { render } from 'preact';
import { followStatus } from './api/status';
import { acceptPicturesAnywhere } from './pictures/anywhere';
import { Page } from './shell/page';
import { applyTheme } from './shell/theme';
import { applyLanguage } from './words/say';

applyTheme();
applyLanguage();
followStatus();
acceptPicturesAnywhere();
render(<Page />, document.getElementById('page')!);
