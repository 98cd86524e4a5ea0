/** Sorts a table by the column whose heading is clicked: numbers best first, then the other way round. */
export const SCRIPT = `
for (const table of document.querySelectorAll('table.sortable')) {
  const headings = [...table.tHead.rows[0].cells];
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  for (const [column, heading] of headings.entries()) {
    heading.firstElementChild.addEventListener('click', () => {
      const numeric = heading.classList.contains('number');
      const before = heading.getAttribute('aria-sort');
      const first = numeric ? 'descending' : 'ascending';
      const order = before === 'none' ? first : before === 'ascending' ? 'descending' : 'ascending';
      const sign = order === 'ascending' ? 1 : -1;
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const compare = (a, b) => numeric ? value(a) - value(b) : collator.compare(value(a), value(b));
      const rows = [...table.tBodies[0].rows].sort((a, b) => sign * compare(a, b));
      for (const other of headings) other.setAttribute('aria-sort', other === heading ? order : 'none');
      table.tBodies[0].append(...rows);
    });
  }
}
`;
