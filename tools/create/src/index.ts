export { filesOf, over, TEMPLATES, type Wish, wish } from './create.js';
export { templates, writeFiles } from './disk.js';
