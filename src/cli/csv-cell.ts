/** A text as a cell of a CSV file: in quotes where it has a comma, a quote or a line's end (RFC 4180). */
export const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
