/** A word as it is typed in a shell: in quotes where it has a space or anything else that a shell reads otherwise. */
export function shellWord(word: string): string {
  return /^[\p{L}\p{N}_./:=@%+,-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
