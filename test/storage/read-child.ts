// Opens a data set in a process of its own, whose environment says where the service is, and prints what is in it:
// `read-child.ts LOCATION RECORD_BUDGET [BAD_RECORDS]`.
import { createHash } from 'node:crypto';
import { SepalError } from '../../src/base/index.ts';
import { openDataset, type BadRecords } from '../../src/data/index.ts';

const [location, recordBudgetBytes, badRecords = 'fail'] = process.argv.slice(2);
try {
  const data = await openDataset(location, {
    split: 'train',
    cacheBudgetBytes: 0,
    recordBudgetBytes: Number(recordBudgetBytes),
    badRecords: badRecords as BadRecords,
  });
  const pixels = createHash('sha256');
  for await (const batch of data.batches({ batchSize: 5, order: { shuffle: { seed: 3, epoch: 0 } } })) {
    pixels.update(batch.images);
    batch.release();
  }
  const { count, classNames, ids, name } = data;
  console.log(JSON.stringify({ name, count, classNames, ids, labels: [...data.labels], pixels: pixels.digest('hex') }));
  await data.close();
} catch (error) {
  if (!(error instanceof SepalError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
