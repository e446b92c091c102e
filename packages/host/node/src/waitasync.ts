/** `Atomics.waitAsync`, which Node has and the library of ES2023 has not. */
type WaitAsync = (words: Int32Array, index: number, value: number) => { readonly async: false } | { readonly async: true; readonly value: Promise<string> };

export const { waitAsync } = Atomics as unknown as { readonly waitAsync: WaitAsync };
