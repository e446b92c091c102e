/**
 * Programs of Node whose files live on a rump kernel.
 *
 *     node --import @anykernel/rumphijack app.js
 *
 * Loaded that way it redirects at once, as the environment says: RUMPHIJACK (what is redirected), RUMPHIJACK_MOUNT (what is mounted: `IMAGE:DIR[:options]`,
 * several with blanks between), RUMPHIJACK_MODULES (which modules: all, require, none). Imported by a program it waits for hijack().
 */
import { startPreloaded } from './preload.js';

export { type Hijack, type HijackOptions, hijack } from './hijack.js';
export type { Modules } from './modules.js';
export { parseMount } from './mounts.js';
export { preload } from './preload.js';
export { FDOFF, type Redirection, SettingError, UNSET, parseRedirection } from './redirection.js';

startPreloaded();
