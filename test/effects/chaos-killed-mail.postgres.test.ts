// With a mail server, which takes no key: of what a dead process left nobody can tell, so it is shown and never repeated.

import { mailProvider } from './chaos-arena.js';
import { killedAndFrozen } from './chaos-killed.js';

killedAndFrozen(mailProvider);
