/** Simulated networks from seeds: kernels, buses and routers, bad weather, and traffic that must arrive. */
export { capture } from './capture.js';
export { type Crowd, crowd } from './crowd.js';
export { type Idle, idle } from './idle.js';
export { type BusPlan, type FlapPlan, type FlowPlan, type NodePlan, type Plan, planOf } from './plan.js';
export { type Outcome, type RunOptions, SoakFailure, run } from './run.js';
