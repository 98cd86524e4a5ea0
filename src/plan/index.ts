export {
  planRecipe,
  PROGRAM_NAMES,
  type InputEstimate,
  type Plan,
  type PlanCosts,
  type PlanRequest,
  type ProgramName,
} from './plan.ts';
export { planJson, planTable } from './plan-report.ts';
export type { Roofline } from './roofline.ts';
