export { planRecipe, type InputEstimate, type Plan, type PlanCosts, type PlanRequest } from './plan.ts';
export { PROGRAM_NAMES, type PhaseCosts, type PhasePlan, type ProgramName } from './phase-plan.ts';
export { planJson, planTable } from './plan-report.ts';
export type { Roofline } from './roofline.ts';
