const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Markup that is safe to put into a page as it is. */
export class Html {
  readonly text: string;

  /** @param text trusted: never what a user gave. */
  constructor(text: string) {
    this.text = text;
  }

  /** The markup itself. */
  toString(): string {
    return this.text;
  }
}

/** What a template takes: markup as it is, anything else as escaped text; `undefined` and `false` as nothing. */
export type HtmlValue = Html | string | number | false | undefined | readonly HtmlValue[];

/** A template whose values are escaped for text and quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = strings[0];
  for (const [i, value] of values.entries()) text += render(value) + strings[i + 1];
  return new Html(text);
}

function render(value: HtmlValue): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escape(String(value));
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]);
}
