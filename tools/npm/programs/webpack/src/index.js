import { greeting } from './greeting';
import data from './data.json';
import util from './legacy.cjs';

console.log(greeting(data.name), util.twice(21), new URL('./text.txt', import.meta.url).pathname);
import('./later.js').then(({ later }) => console.log(later));
