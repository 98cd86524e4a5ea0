import type { AddCommand } from '../command.ts';
import { addDataCheck } from './data-check.ts';
import { addDataConvert } from './data-convert.ts';
import { addDataGet } from './data-get.ts';
import { addDataInfo } from './data-info.ts';
import { addDataMake } from './data-make.ts';
import { addDataShow } from './data-show.ts';

/** `sepal data info|check|make|get|convert|show`. */
export const addData: AddCommand = (program, context) => {
  const data = program
    .command('data')
    .description('look into, check, draw, download and convert data sets')
    .addHelpText('after', '\nExample:\n  sepal data info flowers');
  addDataInfo(data, context);
  addDataCheck(data, context);
  addDataMake(data, context);
  addDataGet(data, context);
  addDataConvert(data, context);
  addDataShow(data, context);
};
