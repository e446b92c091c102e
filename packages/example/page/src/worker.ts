/** The Worker's script: a message with a disk's name is answered with what countStarts() says of it. */
import { countStarts } from './kept.js';

addEventListener('message', ({ data }: MessageEvent<string>) => {
  countStarts(data).then(
    (counted) => postMessage(counted),
    (error: unknown) => postMessage({ error: String(error) }),
  );
});
