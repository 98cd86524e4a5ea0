import type { ClassScores, Confusion } from '../metrics/index.ts';
import { html, type Html } from './html.ts';
import { percent, score } from './numbers.ts';

/** Scores of every class, the worst first; a click on a heading sorts. */
export function classTable(confusion: Confusion, classNames: readonly string[]): Html {
  const confusedWith = new Map<number, number>();
  for (const { label, predicted } of confusion.confusedPairs()) {
    if (!confusedWith.has(label)) confusedWith.set(label, predicted);
  }
  const rows = confusion.classes().toSorted((a, b) => a.f1 - b.f1 || b.support - a.support);
  const row = ({ label, precision, recall, f1, support }: ClassScores): Html => {
    const other = confusedWith.get(label);
    return html`<tr>
      <th scope="row">${classNames[label]}</th>
      <td class="number" data-value="${f1}">
        <span class="bar" aria-hidden="true"><span style="width:${percent(f1)}"></span></span>
        ${score(f1)}
      </td>
      <td class="number" data-value="${precision}">${score(precision)}</td>
      <td class="number" data-value="${recall}">${score(recall)}</td>
      <td class="number" data-value="${support}">${support}</td>
      <td>${other === undefined ? '–' : classNames[other]}</td>
    </tr>`;
  };
  return html`<section id="classes">
    <h2>Classes</h2>
    <p class="lead">
      Precision: of the images given this name, the share that bears it. Recall: of the images of this class, the share
      that was found. F1 is their harmonic mean; macro F1 is the mean over the classes.
    </p>
    <div class="scroll tall" tabindex="0" role="region" aria-label="Scores of every class">
      <table class="sortable">
        <caption class="hidden">
          Scores of every class, worst first
        </caption>
        <thead>
          <tr>
            ${heading('Class')} ${heading('F1', 'number', 'ascending')} ${heading('Precision', 'number')}
            ${heading('Recall', 'number')} ${heading('Images', 'number')} ${heading('Most often taken for')}
          </tr>
        </thead>
        <tbody>
          ${rows.map(row)}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** A heading of a table that is sorted by it on a click; `kind` is `number` for a column of numbers. */
export function heading(name: string, kind = 'text', sorted = 'none'): Html {
  return html`<th scope="col" class="${kind}" aria-sort="${sorted}"><button type="button">${name}</button></th>`;
}
