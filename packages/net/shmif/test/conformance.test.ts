import { ifnetConformance } from '@anykernel/conformance-ifnet';
import { crowd } from './peer.js';

ifnetConformance({ name: 'shmif', make: () => crowd(true) });
ifnetConformance({ name: 'shmif on a bus of others', make: () => crowd(false) });
