/** Sentences for what is not here. */
export const later = (what: string) => ({ status: 501, message: `${what} is not implemented yet` }) as const;

const join =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
export const notManager = { status: 503, message: join } as const;
