/** The user that owns nothing. */
const NOBODY = 65_534;

/** Runs work as a user who may not do everything: where this process is root's, as nobody. No other work may go on meanwhile. */
export async function withoutRoot<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  process.setegid!(NOBODY);
  process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
  }
}
