/** An operation on metadata, with each of its accesses to a buffer failing or sleeping in turn: it must not have happened. */
export { type Accesses, type FaultKind, type Subject, everyBufferAccess } from './every.js';
export { OPERATIONS, prepareOperations } from './operations.js';
export { Snapshot } from './snapshot.js';
