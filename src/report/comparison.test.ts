import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderComparison, type ComparedRun } from './comparison.ts';
import { exampleReport } from './example-report.ts';

const CLASSES = ['daisy', 'roses', 'tulips'];

function run(name: string, epochs: number, classF1?: readonly number[]): ComparedRun {
  const { history } = exampleReport({ classNames: CLASSES, epochs });
  const settings = new Map([
    ['epochs', String(epochs)],
    ['model.name', '"cnn"'],
  ]);
  return {
    name,
    model: 'cnn, 192 px',
    parameters: 1_234_567,
    history,
    bestEpoch: epochs,
    seconds: 60,
    settings,
    classF1,
  };
}

const lastF1 = ({ history }: ComparedRun): number => history[history.length - 1].validation.macroF1;

const compare = (runs: readonly ComparedRun[], classNames?: readonly string[]): string =>
  renderComparison({ created: new Date('2025-03-14T09:26:00Z'), runs, classNames, version: '0.1.0' });

test('runs of different lengths are named, drawn, and told apart by what differs', () => {
  const runs = [run('short', 3, [0.5, 0.9, 0.7]), run('long', 9, [0.8, 0.9, 0.7])];
  const [first] = runs.toSorted((a, b) => lastF1(b) - lastF1(a));
  const page = compare(runs, CLASSES);
  assert.doesNotMatch(page, /NaN|Infinity|undefined|null|\[object/);
  assert.match(page, new RegExp(`<strong\\s*>${first.name} is best`));
  assert.equal(page.match(/class="line hue0"/g)?.length, 6);
  assert.equal(page.match(/class="line hue1"/g)?.length, 6);
  const differs = page.slice(page.indexOf('id="settings"'), page.indexOf('id="classes"'));
  assert.match(differs, /<th scope="row">epochs<\/th>\s*<td>3<\/td><td>9<\/td>/);
  assert.doesNotMatch(differs, /model\.name/);
  const classes = page.slice(page.indexOf('id="classes"'));
  assert.ok(classes.indexOf('daisy') < classes.indexOf('roses'), 'the class with the greatest difference first');
  assert.match(classes, /<strong>0\.800<\/strong>/);
});

test('more runs than hues, one run, and runs that tell nothing of their classes', () => {
  const many = Array.from({ length: 10 }, (_, i) => run(`run ${i}`, 2 + i));
  assert.match(compare(many), /class="line hue1"[\s\S]*class="line hue7"/);
  const one = compare([run('alone', 1)]);
  assert.match(one, /1 run side by side/);
  assert.doesNotMatch(one, /id="classes"|id="settings"|NaN/);
});

test('runs that the table of classes leaves out are named, with what has their scores', () => {
  const [whole, trial, seen] = [run('whole', 3, [0.5, 0.9, 0.7]), run('trial-1', 2), run('seen', 2)];
  const classesOf = (...runs: readonly ComparedRun[]) => {
    const page = compare(runs, CLASSES);
    return page.slice(page.indexOf('id="classes"')).replaceAll(/\s+/g, ' ');
  };
  const left = classesOf(whole, trial, { ...seen, onValidationToo: true });
  assert.match(left, /Not here: trial-1, as .*<code>sepal evaluate<\/code> prints them/);
  assert.doesNotMatch(classesOf(whole), /Not here/);
});

test('names and settings are text, whatever they hold', () => {
  const nasty = `"><script>alert('x')</script><b a='`;
  const bad = { ...run(nasty, 2), model: nasty, settings: new Map([[nasty, JSON.stringify(nasty)]]) };
  const page = compare([bad, run('other', 2)], [nasty]);
  assert.equal(page.match(/<script/g)?.length, 1);
  assert.doesNotMatch(page, /alert\('|<b a=/);
});

test('a run that was trained on the validation images too is neither the best nor in bold', () => {
  const [seen, own] = [{ ...run('seen', 9), onValidationToo: true }, run('own', 3)];
  const page = compare([seen, own]);
  assert.match(page, /own is best/);
  assert.match(page, /The scores of seen say nothing/);
  const table = page.slice(page.indexOf('id="scores"'), page.indexOf('id="curves"'));
  assert.doesNotMatch(table, /<td[^>]*><strong>/);
  assert.match(compare([seen]), /No run can be called the best/);
});
