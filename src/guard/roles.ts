// The three roles of people, lowest first. A role is given per organization and counts in all its workspaces; keys have none.

export const ROLES = ['MEMBER', 'ADMIN', 'OWNER'] as const;
export type Role = (typeof ROLES)[number];

/** No role (a key, a job) is below every role. */
export const roleAtLeast = (role: Role | null, required: Role): boolean =>
  role !== null && ROLES.indexOf(role) >= ROLES.indexOf(required);
