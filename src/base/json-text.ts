import { z } from 'zod';

/** A text that is JSON, as the value that it stands for; pipe it into the schema of that value. */
export const jsonText = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('no JSON');
    return z.NEVER;
  }
});
