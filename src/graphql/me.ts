import type { Principal } from '../auth/principal.js';
import { builder } from './builder.js';

/** The credential behind a request. Modules add what they know of it; modules/me says the rest. */
export const MeType = builder.objectRef<Principal>('Me');
