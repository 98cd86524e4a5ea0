/** Sets the setting at a dotted path, such as `schedule.rate` or `phases.0.epochs`, and makes what is missing on the way. */
export function setSetting(settings: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  let place = settings;
  for (const name of names.slice(0, -1)) {
    const next = Object.hasOwn(place, name) ? place[name] : undefined;
    if (typeof next === 'object' && next !== null) place = next as Record<string, unknown>;
    else place = place[name] = {} as Record<string, unknown>;
  }
  place[names[names.length - 1]] = value;
}

/** Every setting as JSON, by its dotted path; a list is one setting, unless it is one of settings, such as `phases`. */
export function settingsByPath(value: unknown, path = '', found = new Map<string, string>()): Map<string, string> {
  const isList = Array.isArray(value) && !value.some((item) => typeof item === 'object' && item !== null);
  if (typeof value === 'object' && value !== null && !isList) {
    for (const [name, inner] of Object.entries(value)) {
      settingsByPath(inner, path === '' ? name : `${path}.${name}`, found);
    }
  } else if (value !== undefined) {
    found.set(path, JSON.stringify(value));
  }
  return found;
}
