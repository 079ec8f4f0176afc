import { type CreatedKey, createKeyIn, type KeyTransaction } from '../../auth/create-key.js';
import { type ImportedKeys, importKeysIn, type KeyImport } from '../../auth/import-keys.js';
import type { KeyRequest } from '../../auth/key-request.js';
import { deleteKeyIn, resumeKeyIn, revokeKeyIn, suspendKeyIn } from '../../auth/keys.js';
import { type RotatedKey, rotateKeyIn } from '../../auth/rotate-key.js';
import { type KeyPatch, type UpdatedKey, updateKeyIn } from '../../auth/update-key.js';
import { requireSystem, type World } from '../../effects/world.js';
import type { ApiKey } from '../../generated/prisma/client.js';
import { CodedError } from '../../platform/errors.js';

export type ApiKeysService = ReturnType<typeof apiKeysService>;

/** The life of a workspace's keys. Everything here runs as the system: hashes and keys are the owner's to write. */
export const apiKeysService = (world: World) => {
  const { principal, audit, effects, keyForms, request } = world;
  // The command line has no input object: its fields are flags.
  const prefix = principal.kind === 'SYSTEM' ? '' : 'input.';
  const inside = (): KeyTransaction => ({
    db: requireSystem(world),
    workspaceId: principal.workspaceId,
    brand: keyForms.brand,
    plans: world.plans,
    byUserId: principal.kind === 'SESSION' ? principal.id : null,
    record: (entry) => audit.record(entry),
  });
  /** What the key asked for and nobody has begun goes with it. */
  const ending = async (id: string, end: (tx: KeyTransaction) => Promise<ApiKey>): Promise<ApiKey> => {
    let ended: ApiKey | null = null;
    await effects.cancelOfKey(id, async () => {
      ended = await end(inside());
    });
    if (ended === null) throw new Error('A key was to end and did not.');
    return ended;
  };
  return {
    create: (asked: KeyRequest, id?: string): Promise<CreatedKey> =>
      createKeyIn(inside(), asked, { prefix, ...(id === undefined ? {} : { id }) }),

    rotate: (id: string, graceSeconds: number | null | undefined): Promise<RotatedKey> => {
      const { receivedAtMs } = request;
      const asked = receivedAtMs === undefined ? {} : { askedAtMs: receivedAtMs };
      return rotateKeyIn(inside(), { id, graceSeconds, ...asked }, prefix);
    },

    update: (patch: KeyPatch): Promise<UpdatedKey> => updateKeyIn(inside(), patch, prefix),

    suspend: (id: string): Promise<ApiKey> => suspendKeyIn(inside(), id),

    resume: (id: string): Promise<ApiKey> => resumeKeyIn(inside(), id),

    revoke: (id: string): Promise<ApiKey> => ending(id, (tx) => revokeKeyIn(tx, id)),

    delete: (id: string): Promise<ApiKey> => ending(id, (tx) => deleteKeyIn(tx, id)),

    /** @throws FORBIDDEN for a person, who is no key */
    async revokeSelf(): Promise<ApiKey> {
      const { apiKeyId } = principal;
      if (apiKeyId === null) {
        throw new CodedError('FORBIDDEN', 'Only a key can revoke itself. Sign out, or revoke a key with revokeApiKey.');
      }
      return ending(apiKeyId, (tx) => revokeKeyIn(tx, apiKeyId));
    },

    async import(asked: KeyImport): Promise<Omit<ImportedKeys, 'format'>> {
      const { format, ...imported } = await importKeysIn(inside(), asked, prefix);
      keyForms.imported.add(format);
      return imported;
    },
  };
};
