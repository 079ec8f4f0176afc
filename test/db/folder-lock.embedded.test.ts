import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  openAsBlob,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openEmbedded } from '../../src/db/embedded.js';
import { lockFolder } from '../../src/db/folder-lock.js';
import { ConfigurationError } from '../../src/platform/errors.js';
import { type Bundle, bundleForChild, type RunningChild } from '../support/child.js';
import '../support/provided.js';

let dataDir: string;
let bundle: Bundle;
const children: RunningChild[] = [];

beforeAll(async () => {
  bundle = await bundleForChild('test/db/hold-folder.ts');
});
afterAll(() => bundle.remove());
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sallyport-lock-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.process.kill('SIGKILL');
    await child.exit;
  }
  rmSync(dataDir, { recursive: true, force: true });
});

const open = async () =>
  openEmbedded({
    dataDir,
    template: await openAsBlob(inject('templateFile')),
    onFatal: (line) => {
      throw new Error(line);
    },
  });

function startChild(): RunningChild {
  const child = bundle.start([dataDir]);
  children.push(child);
  return child;
}

describe('the embedded folder', () => {
  it('refuses a second process with the pid of the first, and lets it in after the first has closed', async () => {
    const database = await open();
    expect(await startChild().firstLine).toMatch(new RegExp(`^refused: .*in use by process ${process.pid} `));
    await database.close();
    expect(existsSync(join(dataDir, 'db.lock'))).toBe(false);

    const second = startChild();
    expect(await second.firstLine).toBe(`open ${second.process.pid}`);
    await expect(open()).rejects.toThrow(`in use by process ${second.process.pid}`);
    second.process.stdin?.end();
    expect(await second.exit).toBe(0);
  });

  it('is taken over from a process that was killed, with all that it had acknowledged', async () => {
    await (await open()).close();
    const killed = startChild();
    await killed.firstLine;
    killed.process.kill('SIGKILL');
    await killed.exit;
    expect(existsSync(join(dataDir, 'db.lock'))).toBe(true);

    const database = await open();
    expect(await database.owner.organization.findMany()).toMatchObject([{ id: `org_${killed.process.pid}` }]);
    await database.close();
  });

  it('refuses a second opening in the same process', async () => {
    const lock = await lockFolder(join(dataDir, 'db.lock'));
    await expect(open()).rejects.toThrow(`in use by process ${process.pid}`);
    lock.release();
  });

  it('cannot be written: says which folder and what to do', async () => {
    chmodSync(dataDir, 0o555);
    // To root every folder is writable, so root steps down for this one.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    const refusal = open().catch((error: unknown) => error);
    try {
      expect(await refusal).toBeInstanceOf(ConfigurationError);
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(dataDir, 0o755);
    }
    expect(String(await refusal)).toContain(`DATA_DIR: the folder ${dataDir} cannot be written`);
  });

  it('that holds something else says so', async () => {
    await (await open()).close();
    writeFileSync(join(dataDir, 'db', 'PG_VERSION'), '9\n');
    await expect(open()).rejects.toThrow(/^DATA_DIR: the embedded database .* cannot be opened/);
    expect(existsSync(join(dataDir, 'db.lock'))).toBe(false);
  });

  it('begins anew after a first start that was killed half way', async () => {
    const half = join(dataDir, 'db.new');
    await (await open()).close();
    rmSync(join(dataDir, 'db'), { recursive: true });
    writeFileSync(half, 'half a database');
    await (await open()).close();
    expect(existsSync(half)).toBe(false);
  });
});

describe('a lock file', () => {
  const lockFile = () => join(dataDir, 'db.lock');
  const written = (change: Record<string, unknown>) => {
    const holder = JSON.parse(readFileSync(lockFile(), 'utf8')) as Record<string, unknown>;
    writeFileSync(lockFile(), JSON.stringify({ ...holder, ...change }));
  };

  it('of a process that is gone is taken over', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => gone.on('exit', resolve));
    await lockFolder(lockFile());
    written({ pid: gone.pid, token: 'gone' });
    (await lockFolder(lockFile())).release();
    expect(existsSync(lockFile())).toBe(false);
  });

  it.runIf(existsSync('/proc/self/stat'))('whose pid was given to another process since is taken over', async () => {
    await lockFolder(lockFile());
    written({ startedAt: '1', token: 'reused' });
    (await lockFolder(lockFile())).release();
    expect(existsSync(lockFile())).toBe(false);
  });

  it('of another machine is taken over once it has been silent', async () => {
    const lock = await lockFolder(lockFile());
    written({ pidSpace: 'another machine', token: 'elsewhere' });
    lock.release();
    utimesSync(lockFile(), new Date(0), new Date(0));
    (await lockFolder(lockFile())).release();
    expect(existsSync(lockFile())).toBe(false);
  });

  it('of another machine that goes on touching it is respected', async () => {
    await lockFolder(lockFile());
    written({ pidSpace: 'another machine', pid: 4242, token: 'elsewhere' });
    await expect(lockFolder(lockFile())).rejects.toThrow('in use by process 4242');
  });

  it('goes to one of many that come at once', async () => {
    await lockFolder(lockFile());
    written({ startedAt: '1', pid: 2 ** 22 + 1, token: 'stale' });
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(lockFile())));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('that is none of ours is left alone', async () => {
    writeFileSync(lockFile(), 'shopping list');
    await expect(lockFolder(lockFile())).rejects.toThrow('is not a lock of Sallyport');
  });
});
