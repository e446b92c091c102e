/**
 * Jest's Node environment on an ordinary global object.
 *
 * Jest's context is "contextified": each reference to a global is intercepted, about 230 ns, which makes hot loops a
 * hundred times slower in tests than in life. vm.constants.DONT_CONTEXTIFY gives a context without interceptors.
 */
'use strict';
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');

class PlainGlobalEnvironment extends TestEnvironment {
  constructor(config, context) {
    const { createContext } = vm;
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
  }
}

module.exports = PlainGlobalEnvironment;
