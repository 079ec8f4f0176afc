import { endSessions } from '../../auth/person-session.js';
import { requireSystem, type World } from '../../effects/world.js';
import { sql } from '../../guard/sql.js';
import { notFound } from '../../platform/errors.js';

export interface SessionView {
  readonly id: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly secondFactorAt: Date | null;
}

export type SessionsService = ReturnType<typeof sessionsService>;

/** A person's own sessions. */
export const sessionsService = (world: World) => {
  const { db, principal, audit } = world;
  return {
    /** The newest first, at most a hundred. */
    async mine(): Promise<readonly SessionView[]> {
      // In text, because the two engines hand times over differently.
      const rows = await db.$sql<Record<keyof SessionView, string | null> & { id: string }>(sql`
        SELECT s.id, s.ip_address AS ip, s.user_agent AS "userAgent", to_json(s.created_at)#>>'{}' AS "createdAt",
          to_json(s.last_used_at)#>>'{}' AS "lastUsedAt", to_json(s.expires_at)#>>'{}' AS "expiresAt",
          to_json(s.second_factor_at)#>>'{}' AS "secondFactorAt"
        FROM sallyport_sessions_of(${principal.id}) s`);
      return rows.map(({ id, ip, userAgent, createdAt, lastUsedAt, expiresAt, secondFactorAt }) => ({
        id,
        ip,
        userAgent,
        createdAt: new Date(createdAt ?? 0),
        lastUsedAt: new Date(lastUsedAt ?? 0),
        expiresAt: new Date(expiresAt ?? 0),
        secondFactorAt: secondFactorAt === null ? null : new Date(secondFactorAt),
      }));
    },

    /** Another person's session is as unknown as one that never was. */
    async end(id: string): Promise<string> {
      const system = requireSystem(world);
      if ((await endSessions(system, { userId: principal.id, id })) === 0) throw notFound('session');
      await audit.record({ action: 'session.end', subjectId: id });
      return id;
    },

    async endOthers(): Promise<number> {
      const system = requireSystem(world);
      const count = await endSessions(system, { userId: principal.id, id: { not: principal.sessionId ?? '' } });
      await audit.record({ action: 'otherSessions.end', subjectId: principal.sessionId, details: { count } });
      return count;
    },
  };
};
