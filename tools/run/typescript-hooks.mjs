/** The loader hooks behind typescript.mjs: plain functions, which Node takes in its loader thread as well as in the thread of the program. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';

const { sourceOf } = createRequire(import.meta.url)('../jest/resolver.cjs');

export function resolve(specifier, context, next) {
  const source = sourceOf(specifier, folderOf(context.parentURL));
  if (source !== undefined) return { url: pathToFileURL(source).href, shortCircuit: true };
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.startsWith('file:')) {
    const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    if (existsSync(url)) return { url: url.href, shortCircuit: true };
  }
  return next(specifier, context);
}

function folderOf(url) {
  return url?.startsWith('file:') ? dirname(fileURLToPath(url)) : undefined;
}

export function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const sourcefile = fileURLToPath(url);
  const { code } = transformSync(readFileSync(sourcefile, 'utf8'), { loader: 'ts', target: 'es2023', sourcemap: 'inline', sourcefile });
  return { format: 'module', source: code, shortCircuit: true };
}
