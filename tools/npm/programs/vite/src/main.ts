import { greeting } from './greeting';
import data from './data.json';
import logo from './logo.svg?url';
import './style.css';

interface Named {
  readonly name: string;
}
const who: Named = data;
document.querySelector('#app')!.textContent = greeting(who.name) + logo;
import('./later').then(({ later }) => console.log(later()));
