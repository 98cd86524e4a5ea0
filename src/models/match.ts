import { didYouMean } from '../base/index.ts';
import { ModelError } from './errors.ts';
import type { ModelFamily } from './family.ts';
import { MODELS } from './registry.ts';

/**
 * The architectures that any of the patterns matches, in the registry's order; all of them for no pattern.
 *
 * In a pattern `*` stands for any characters and `?` for one. @throws ModelError for one that matches nothing.
 */
export function matchFamilies(patterns: readonly string[]): ModelFamily[] {
  if (patterns.length === 0) return [...MODELS];
  const matching = new Set<ModelFamily>();
  for (const pattern of patterns) {
    const expression = wildcard(pattern);
    const found = MODELS.filter(({ name }) => expression.test(name));
    if (found.length === 0) throw noMatch(pattern);
    for (const family of found) matching.add(family);
  }
  return MODELS.filter((family) => matching.has(family));
}

function wildcard(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[^\w*?]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i');
}

function noMatch(pattern: string): ModelError {
  const names = MODELS.map(({ name }) => name);
  return new ModelError('MODEL', `no model is called "${pattern}"`, {
    hint: didYouMean(pattern.replaceAll(/[*?]/g, ''), names),
  });
}
