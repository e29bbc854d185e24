/** The API key, for servers that want one. It is kept as long as the browser's tab is. */
import { signal } from '@preact/signals';
import { stored } from '../stored';

export const apiKey = stored('key', '', () => sessionStorage);
/** The server refused a request without the right key: the page asks for it. */
export const keyIsWanted = signal(false);
/** Somebody would not give one: they are not asked again by themselves. */
export const keyIsDeclined = signal(false);
