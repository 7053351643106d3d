// What is watched from the first moment that LXD runs. A watch outlives LXD's restarts, by itself: `engine.whenUp` tells of them.
import { watchLifecycle } from "./lifecycle-watch.js";
import { watchPorts } from "./ports-watch.js";
import type { Tremplin } from "./tremplin.js";
import { watchUsb } from "./usb/watch.js";

/** Resolves when it watches. */
type Watch = (tremplin: Tremplin) => Promise<AsyncDisposable>;

export const watches: readonly Watch[] = [watchLifecycle, watchPorts, watchUsb];
