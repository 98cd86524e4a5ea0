/** The oldest Node.js that Sepal runs on, as `engines` in package.json says. */
const OLDEST = [22, 18] as const;

/** What a user is told whose Node.js, such as `20.19.0`, is too old; undefined where it is not. */
export function nodeProblem(version: string): string | undefined {
  const [major, minor] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  const oldest = OLDEST.join('.');
  return (
    `error: Sepal can't run on this version of Node.js; expected ${oldest} or newer; received ${version}\n` +
    `  hint: install Node.js ${oldest} or newer: https://nodejs.org/download`
  );
}
