// With a provider that takes our key: whatever a dead process left is asked again under the same key, and acts once.

import { keyedProvider } from './chaos-arena.js';
import { killedAndFrozen } from './chaos-killed.js';

killedAndFrozen(keyedProvider);
