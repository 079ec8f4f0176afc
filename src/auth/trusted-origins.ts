interface Origins {
  readonly publicUrl: string;
  /** ALLOWED_ORIGINS, exact. */
  readonly allowedOrigins: readonly string[];
}

/** Pages that may use a session here, besides our own origin. */
export const trustedOrigins = ({ publicUrl, allowedOrigins }: Origins): string[] => [
  ...allowedOrigins,
  ...loopbackOrigins(publicUrl),
];

/** On a machine of one's own the same server answers to three names; a browser may know it by any of them. */
const loopbackOrigins = (publicUrl: string): string[] => {
  const { protocol, hostname, port } = new URL(publicUrl);
  const names = ['localhost', '127.0.0.1', '[::1]'];
  return names.includes(hostname) ? names.map((name) => new URL(`${protocol}//${name}:${port}`).origin) : [];
};
