let current = '';

/** Name of the layer whose nodes are being made, such as `block1/conv`. */
export const currentScope = (): string => current;

/** Runs `body` with `name` appended to the scope of the nodes it makes. */
export function withScope<T>(name: string, body: () => T): T {
  return inScope(current === '' ? name : `${current}/${name}`, body);
}

/** Runs `body` with exactly this scope. */
export function inScope<T>(scope: string, body: () => T): T {
  const outer = current;
  current = scope;
  try {
    return body();
  } finally {
    current = outer;
  }
}
