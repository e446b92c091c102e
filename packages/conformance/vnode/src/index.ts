/**
 * The conformance suite of file systems.
 *
 * `vnodeConformance({ name, make, lacks })` declares its tests for jest. A file system in a kernel is made a subject by kernelSubject(), a
 * folder of the host by hostSubject().
 */
export { vnodeConformance } from './suite.js';
export { kernelSubject, type KernelSubjectOptions } from './kernel.js';
export {
  type Actor,
  type Lack,
  type Limits,
  type Manners,
  NotExpressible,
  type Subject,
  type SuiteSys,
  type VnodeSuite,
} from './subject.js';
export { hostSubject, type HostSubjectOptions } from './host/host.js';
export { type ReadonlyLack, type ReadonlySubject, type ReadonlySuite, readonlyConformance } from './readonly.js';
